"""A stand-in for Globus Auth and Globus Groups, for development only.

It answers the real toolkit, globus-sdk, and the `globus-automate` command line over HTTP, so that an Action Provider
and its clients can be tried and tested without an account and without a network. Anyone who can reach it can log in as
anyone: it serves the loopback interface only. `python -m local_globus` starts it alone.
"""
