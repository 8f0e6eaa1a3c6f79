"""What the Action Provider interface demands of every provider, as rules that are tried on any provider's URL.

`script/conformance` runs them; docs/conformance.md tells how to read what it says.
"""
