"""Who may ask: clients by id and secret, people by bearer token; and how a request is refused."""

from __future__ import annotations

from typing import cast

from flask import Flask, current_app, request

from local_globus.directory import CLIENT_SECRET, PROVIDER_SCOPE, Grant, is_uuid
from local_globus.tokens import Tokens


class LocalGlobus(Flask):
    """The stand-in as an application, with what its handlers work with."""

    def __init__(self, scope: str = PROVIDER_SCOPE) -> None:
        super().__init__("local_globus")
        self.tokens = Tokens(scope)


class Refusal(Exception):
    """Raised when a request is refused, as OAuth 2 says it (RFC 6749, section 5.2) and as globus-sdk shows it."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.document = {
            "error": error,
            "error_description": description,
            "errors": [{"code": error, "detail": description, "status": str(status)}],
        }
        self.status = status


def tokens() -> Tokens:
    """The tokens of the stand-in that serves the current request."""
    return cast(LocalGlobus, current_app).tokens


def authenticated_client() -> str:
    basic = request.authorization
    if basic is None or basic.type != "basic" or basic.password != CLIENT_SECRET or not is_uuid(basic.username or ""):
        raise Refusal("invalid_client", "the client's id and secret do not fit", 401)
    return str(basic.username)


def bearer() -> Grant:
    presented = request.authorization
    grant = tokens().grant(presented.token or "") if presented is not None and presented.type == "bearer" else None
    if grant is None:
        raise Refusal("invalid_token", "the token is missing or not active", 401)
    return grant
