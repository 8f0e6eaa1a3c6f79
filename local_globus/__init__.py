"""A stand-in for Globus Auth and Globus Groups, for development only.

The real toolkit, globus-sdk, and the `globus-automate` command line can talk to it over HTTP. So an Action Provider and
its clients can be tried and tested without an account or a network. Anyone who can reach it can log in as
anyone, so it serves the loopback interface only. `python -m local_globus` starts it by itself.
"""
