"""Authentication and authorization: calls to Globus, tokens and their cache, and access checks."""
