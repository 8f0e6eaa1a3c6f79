"""The start of the server: options, local mode, and granian."""
