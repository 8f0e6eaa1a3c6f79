"""A synchronous provider: it computes the digest of a text."""
