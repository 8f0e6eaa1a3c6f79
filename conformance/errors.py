"""Exceptions that end a rule, or the whole run, early."""

from __future__ import annotations


class Skip(Exception):
    """Raised when a rule cannot be checked on this provider; the message says why."""


class OperationNotTried(Skip):
    """Raised instead of sending a request for an operation that has stopped responding."""


class NotJSON(Exception):
    """Raised when a response that must be JSON is not; the message says why."""


class NoResponse(Exception):
    """Raised when a request got no usable response; the message names the request and what happened."""

    def __init__(self, request: str, reason: str) -> None:
        super().__init__(f"{request}: {reason}")


class Untestable(Exception):
    """Raised when this provider cannot be tested with the given options; the message says what to do."""


class RateLimited(Exception):
    """Raised when the provider keeps answering 429, or asks for a longer pause than the suite allows."""
