"""What a caller is told when there is no answer: ApiError, its children, and their JSON form.

Every error of this service is one of these, and every one of them reads
``{"code": …, "description": …, "errors": [{"code": …, "detail": …}, …]}``: ``code`` and ``description`` as the
Action Provider toolkit has them, ``errors[].detail`` as globus-sdk shows them.
"""

from __future__ import annotations

from typing import Any, ClassVar

from werkzeug.exceptions import HTTPException

ECHO_CHARACTERS = 200
"""How much of what a caller sent an error repeats at most."""


def shorten(text: str) -> str:
    """`text` as an error may repeat it: at most ECHO_CHARACTERS, and always encodable."""
    if len(text) > ECHO_CHARACTERS:
        text = text[: ECHO_CHARACTERS - 1] + "…"
    return text.encode("utf-8", "backslashreplace").decode()


class ApiError(Exception):
    """The base of all errors that a caller is told. Each detail is one sentence; the class's name is the code."""

    status: ClassVar[int] = 500

    def __init__(self, *details: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(*details)
        self.details = details
        self.headers = headers or {}

    @property
    def document(self) -> dict[str, Any]:
        """The error's JSON form."""
        code = type(self).__name__
        return {
            "code": code,
            "description": "; ".join(self.details),
            "errors": [{"code": code, "detail": detail} for detail in self.details],
        }


class InvalidRequest(ApiError):
    """Raised when a request cannot be understood, or asks for what is never given."""

    status = 400


class NoAuthentication(ApiError):
    """Raised when a request carries no bearer token that holds for this provider."""

    status = 401


class NotAuthorized(ApiError):
    """Raised when the caller is known, sees the resource, and still may not do this."""

    status = 403


class NotFound(ApiError):
    """Raised when there is no such thing, as far as this caller is concerned."""

    status = 404


class MethodNotAllowed(ApiError):
    """Raised when a path exists, but not for this HTTP method."""

    status = 405


class InvalidState(ApiError):
    """Raised when an action's state, or an earlier request, rules out what is asked."""

    status = 409


class RequestTooLarge(ApiError):
    """Raised when a request's body is larger than MAX_CONTENT_LENGTH."""

    status = 413


class DeveloperError(ApiError):
    """Raised when this service itself went wrong; its log says how."""

    status = 500


class ServiceUnavailable(ApiError):
    """Raised when something that this service needs does not answer; the same request may work a little later."""

    status = 503
    RETRY_AFTER_SECONDS: ClassVar[int] = 2

    def __init__(self, *details: str) -> None:
        super().__init__(*details, headers={"Retry-After": str(self.RETRY_AFTER_SECONDS)})


_FROM_HTTP: dict[int, tuple[type[ApiError], str]] = {
    404: (NotFound, "There is nothing at this path. GET / says what this provider is."),
    405: (MethodNotAllowed, "This path does not take this method; the Allow header says which it takes."),
    413: (RequestTooLarge, "The request's body is too large."),
}


def from_http_exception(error: HTTPException) -> ApiError:
    """The ApiError that says what one of Flask's or Werkzeug's own errors says."""
    status = error.code or 500
    other = InvalidRequest if status < 500 else DeveloperError
    kind, detail = _FROM_HTTP.get(status, (other, error.description or error.name))
    allowed = getattr(error, "valid_methods", None)
    return kind(detail, headers={"Allow": ", ".join(sorted(allowed))} if allowed else None)
