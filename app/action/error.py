"""The errors of the domain. They know nothing about HTTP: app/web/errors.py maps each to a status code."""

from __future__ import annotations

ECHO_CHARACTERS = 200
"""How many characters of a caller's input an error message repeats at most."""


def shorten(text: str) -> str:
    """Return `text` as an error message may repeat it: at most ECHO_CHARACTERS, and always encodable."""
    if len(text) > ECHO_CHARACTERS:
        text = text[: ECHO_CHARACTERS - 1] + "…"
    return text.encode("utf-8", "backslashreplace").decode()


class ActionError(Exception):
    """The base of all errors that a caller is told about. Each detail is one sentence."""

    def __init__(self, *details: str) -> None:
        super().__init__(*details)
        self.details = details


class InvalidRequest(ActionError):
    """Raised when a request is malformed, or asks for something this provider does not do."""


class NotAuthorized(ActionError):
    """Raised when the caller is known and can see the resource, but lacks the permission for this operation."""


class NotFound(ActionError):
    """Raised when the resource does not exist, or is hidden from this caller."""


class InvalidState(ActionError):
    """Raised when the action's state, or an earlier request, conflicts with this request."""


class Unavailable(ActionError):
    """Raised when a dependency does not answer; the same request may succeed a little later."""
