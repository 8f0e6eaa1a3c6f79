"""Check, draw and run Globus flow definitions on this machine, for development."""
