"""What Time Is It Right Now? A Globus Action Provider."""

from app.app import create_app

__all__ = ["create_app"]
