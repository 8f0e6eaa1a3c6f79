"""TITLE: an Action Provider."""
