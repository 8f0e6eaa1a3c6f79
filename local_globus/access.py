"""Authenticates requests: clients by id and secret, people by bearer token."""

from __future__ import annotations

from typing import cast

from flask import Flask, current_app, request

from local_globus.codes import Codes
from local_globus.consents import Consents
from local_globus.directory import Grant
from local_globus.registry import Registry
from local_globus.tokens import Tokens


class LocalGlobus(Flask):
    """The Flask application of the stand-in, with its state."""

    def __init__(self, registry: Registry) -> None:
        super().__init__("local_globus")
        self.registry = registry
        self.tokens = Tokens(registry.local_scope)
        self.consents = Consents(registry)
        self.codes = Codes()

    def grant(self, token: str) -> Grant | None:
        """Return what an access token allows; None if it is not active or its consent has been withdrawn."""
        grant = self.tokens.grant(token)
        return grant if grant and self.has_consent(grant.sub, grant.via, grant.scope) else None

    def has_consent(self, identity: str, via: str, scopes: str) -> bool:
        """Return whether a person consents to all of `scopes` through one of the scopes `via`, if there are any."""
        allowed = {each for scope in via.split() for each in self.consents.dependent_scopes(identity, scope)}
        return not via or allowed.issuperset(scopes.split())


class OAuthError(Exception):
    """Raised when a request is refused; the response follows both RFC 6749, section 5.2, and Globus."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.document = {
            "error": error,
            "error_description": description,
            "errors": [{"code": error, "detail": description, "status": str(status)}],
        }
        self.status = status


def local_globus() -> LocalGlobus:
    """Return the stand-in that serves the current request."""
    return cast(LocalGlobus, current_app)


def authenticated_client() -> str:
    """Return the id of the client that sends the current request.

    :raises OAuthError: 401, the id or the secret is wrong.
    """
    basic = request.authorization
    if basic is not None and basic.type == "basic":
        client_id, secret = basic.username or "", basic.password or ""
        if local_globus().registry.is_client(client_id, secret):
            return client_id
    raise OAuthError("invalid_client", "the client id or secret is wrong", 401)


def bearer_grant() -> Grant:
    """Return what the token of the current request allows.

    :raises OAuthError: 401, there is no token or it is not active.
    """
    presented = request.authorization
    is_bearer = presented is not None and presented.type == "bearer"
    grant = local_globus().grant((presented.token if presented and is_bearer else None) or "")
    if grant is None:
        raise OAuthError("invalid_token", "the token is missing or not active", 401)
    return grant


def require_known_caller() -> None:
    """Allow a client with its secret, or a person with a token.

    :raises OAuthError: 401, the request has neither.
    """
    if request.authorization is not None and request.authorization.type == "basic":
        authenticated_client()
    else:
        bearer_grant()
