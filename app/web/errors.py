"""Error responses: one table of status codes and codes, and one JSON form.

Every error reads ``{"code": …, "description": …, "errors": [{"code": …, "detail": …}, …]}``. The toolkit defines
``code`` and ``description``; globus-sdk shows ``errors[].detail``.
"""

from __future__ import annotations

from random import randint
from typing import Any

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException

from app.action.error import ActionError, InvalidRequest, InvalidState, NotAuthorized, NotFound, Unavailable
from app.auth.error import NoAuthentication

RETRY_AFTER_SECONDS = (1, 3)
"""How long clients should wait after a 503, in whole seconds: drawn at random, so that a burst is spread out."""

STATUS_CODES: dict[type[Exception], tuple[int, str]] = {
    InvalidRequest: (400, "InvalidRequest"),
    NoAuthentication: (401, "NoAuthentication"),
    NotAuthorized: (403, "NotAuthorized"),
    NotFound: (404, "NotFound"),
    InvalidState: (409, "InvalidState"),
    Unavailable: (503, "ServiceUnavailable"),
}
"""The status code and the code of each error of the layers below."""

HTTP_CODES = {404: "NotFound", 405: "MethodNotAllowed", 413: "RequestTooLarge"}
"""The codes of the errors that Flask itself raises; others are InvalidRequest or DeveloperError."""

CODES = sorted({code for _, code in STATUS_CODES.values()} | set(HTTP_CODES.values()) | {"DeveloperError"})
"""Every code that an error may have."""

UNEXPECTED = "Something went wrong in this service, and was logged. It is not the fault of your request."


def register_error_handlers(app: Flask) -> None:
    """Answer every exception in the one JSON form."""
    app.register_error_handler(ActionError, respond_to_known_error)
    app.register_error_handler(NoAuthentication, respond_to_known_error)
    app.register_error_handler(HTTPException, respond_to_http_error)
    app.register_error_handler(Exception, respond_to_unexpected_error)


def error_document(code: str, *details: str) -> dict[str, Any]:
    """Return the JSON form of an error. Each detail is one sentence."""
    return {
        "code": code,
        "description": "; ".join(details),
        "errors": [{"code": code, "detail": detail} for detail in details],
    }


def respond_to_known_error(error: ActionError | NoAuthentication) -> Response:
    status, code = next(entry for kind, entry in STATUS_CODES.items() if isinstance(error, kind))
    response = _response(status, code, *error.details)
    if status == 503:
        response.headers["Retry-After"] = str(randint(*RETRY_AFTER_SECONDS))  # noqa: S311
    if isinstance(error, NoAuthentication):
        response.headers["WWW-Authenticate"] = error.challenge
    return response


def respond_to_http_error(error: HTTPException) -> Response:
    """Respond to an error that Flask or Werkzeug raised."""
    status = error.code or 500
    details = {
        404: "There is nothing at this path. GET / describes this provider.",
        405: "This path does not support this method. The Allow header lists those it supports.",
        413: f"The body is larger than {current_app.config['MAX_CONTENT_LENGTH']} bytes, the limit of this provider.",
    }
    other = "InvalidRequest" if status < 500 else "DeveloperError"
    response = _response(status, HTTP_CODES.get(status, other), details.get(status, error.description or error.name))
    allowed = getattr(error, "valid_methods", None)
    if allowed:
        response.headers["Allow"] = ", ".join(sorted(allowed))
    return response


def respond_to_unexpected_error(_error: Exception) -> Response:
    """Log an unexpected error, and say that the fault is ours."""
    current_app.logger.exception("Unexpected error in %s %s", request.method, request.endpoint)
    return _response(500, "DeveloperError", UNEXPECTED)


def _response(status: int, code: str, *details: str) -> Response:
    response: Response = current_app.json.response(error_document(code, *details))
    response.status_code = status
    return response
