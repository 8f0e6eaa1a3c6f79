"""A stand-in for Globus Auth and Globus Groups, for development only.

It answers the real toolkit, the real globus-sdk and the `globus-automate` CLI over HTTP, as far as they ask, so that an
Action Provider and its clients can be tried and tested without an account and without the network. Whoever can reach
it can be anybody: it serves the loopback interface and nothing else. `python -m local_globus` starts it alone.
"""
