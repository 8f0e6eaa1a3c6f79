"""A provider that acts as its caller: it lists the caller's Globus groups."""
