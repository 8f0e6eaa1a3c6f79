"""The conformance suite: checks any Action Provider, at its URL, against the Action Provider interface.

`script/conformance` runs it; docs/conformance.md explains the report.
"""
