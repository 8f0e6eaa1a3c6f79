"""A provider that waits for a person: an action succeeds when a manager approves it."""
