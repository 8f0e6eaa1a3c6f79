"""Answers the token endpoint of the stand-in for Globus Auth."""

from __future__ import annotations

import base64
import hashlib
import uuid
from typing import Any

from flask import Blueprint, current_app, make_response, request
from werkzeug.wrappers import Response

from local_globus.access import OAuthError, authenticated_client, local_globus
from local_globus.directory import resource_server
from local_globus.identities import profile
from local_globus.scopes import dependencies, parse_scopes, scope_names
from local_globus.tokens import ACCESS_SECONDS, REFRESH_SECONDS

routes = Blueprint("grants", __name__)

DEPENDENT_TOKEN = "urn:globus:auth:grant_type:dependent_token"


class DependentConsentRequired(OAuthError):
    """Raised when a person has not consented to dependent tokens; the form is that of Globus Auth, which globus-sdk
    (3.60 and newer) converts to a Globus Auth Requirements Error."""

    def __init__(self, scopes: list[str]) -> None:
        title = "User must approve your client using scopes. See 'unapproved_scopes'."
        super().__init__("dependent_consent_required", title, 403)
        self.document["errors"] = [
            {
                "code": "DEPENDENT_CONSENT_REQUIRED",
                "id": str(uuid.uuid4()),
                "title": title,
                "detail": f"User hasn't approved the following scopes: {' '.join(scopes)}",
                "unapproved_scopes": scopes,
                "status": "403",
            }
        ]


@routes.post("/v2/oauth2/token")
def token() -> Response:
    """Issue tokens for one of the supported grants."""
    grants = {
        "authorization_code": code_grant,
        "refresh_token": refresh_token_grant,
        "client_credentials": client_credentials_grant,
        DEPENDENT_TOKEN: dependent_token_grant,
    }
    grant = grants.get(request.form.get("grant_type", ""))
    if grant is None:
        raise OAuthError("unsupported_grant_type", f"grant_type must be one of {', '.join(grants)}")
    return make_response(current_app.json.response(grant()))


def code_grant() -> dict[str, Any]:
    """Exchange the code of a login for tokens (RFC 6749, section 4.1.3; RFC 7636, section 4.6)."""
    code, codes = request.form.get("code", ""), local_globus().codes
    login = codes.get(code)
    sent = (request.form.get("client_id"), request.form.get("redirect_uri"))
    if login is None or (login.client_id, login.redirect_uri) != sent:
        raise OAuthError("invalid_grant", "the code is not valid, or not for this client and redirect_uri")
    if login.code_challenge and login.code_challenge != code_challenge(login.code_challenge_method):
        raise OAuthError("invalid_grant", "code_verifier does not match the code_challenge")
    if not codes.use(code):
        raise OAuthError("invalid_grant", "the code was already used")
    scopes = scope_names(parse_scopes(login.scope)) or ["openid"]
    return token_response(login.identity, login.client_id, scopes, offline=login.access_type == "offline")


def code_challenge(method: str) -> str:
    """Return the challenge that belongs to the verifier in the request."""
    verifier = request.form.get("code_verifier", "")
    if method != "S256":
        return verifier
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def refresh_token_grant() -> dict[str, Any]:
    """Exchange a refresh token for an access token; the response repeats the refresh token, which globus-sdk needs."""
    text = request.form.get("refresh_token", "")
    claims = local_globus().tokens.read("refresh", text)
    if claims is None or not local_globus().has_consent(claims["sub"], claims.get("via", ""), claims["scope"]):
        raise OAuthError("invalid_grant", "the refresh token is not valid")
    answer = token_for(claims["sub"], claims["client_id"], claims["scope"], via=claims.get("via", ""))
    return answer | {"refresh_token": text}


def client_credentials_grant() -> dict[str, Any]:
    """Issue tokens to a client that acts for itself; requesting a dependent scope counts as consent."""
    client_id = authenticated_client()
    try:
        scopes = parse_scopes(request.form.get("scope", ""))
    except ValueError as error:
        raise OAuthError("invalid_scope", str(error)) from error
    local_globus().consents.give(client_id, dependencies(scopes))
    return token_response(client_id, client_id, scope_names(scopes) or ["openid"], offline=False)


def dependent_token_grant() -> list[dict[str, Any]]:
    """Issue tokens that let a provider act for the owner of the token that it was sent.

    Without `scope`, the tokens are for all dependent scopes that the person has consented to.

    :raises DependentConsentRequired: 403, the person has not consented to a requested `scope`.
    """
    client_id = authenticated_client()
    grant = local_globus().grant(request.form.get("token", ""))
    if grant is None:
        raise OAuthError("invalid_grant", "the token is not active")
    consents = local_globus().consents
    allowed = [each for scope in grant.scope.split() for each in consents.dependent_scopes(grant.sub, scope)]
    requested = request.form.get("scope", "").split()
    missing = [scope for scope in requested if scope not in allowed]
    if missing:
        raise DependentConsentRequired(missing)
    offline = request.form.get("access_type") == "offline"
    servers = by_resource_server(requested or allowed)
    return [token_for(grant.sub, client_id, scope, offline=offline, via=grant.scope) for scope in servers]


def token_response(identity: str, client_id: str, scopes: list[str], *, offline: bool) -> dict[str, Any]:
    """Return one token for each resource server, and an id token if openid is among the scopes."""
    first, *others = [token_for(identity, client_id, each, offline=offline) for each in by_resource_server(scopes)]
    if "openid" in scopes:
        claims = {**profile(identity), "aud": client_id, "iss": request.host_url}
        first["id_token"] = local_globus().tokens.id_token(claims)
    return {**first, "other_tokens": others}


def by_resource_server(scopes: list[str]) -> list[str]:
    """Return the scopes of each resource server, separated by spaces."""
    found: dict[str, list[str]] = {}
    for scope in dict.fromkeys(scopes):
        found.setdefault(resource_server(scope), []).append(scope)
    return [" ".join(each) for each in found.values()]


def token_for(identity: str, client_id: str, scope: str, *, offline: bool = False, via: str = "") -> dict[str, Any]:
    """Return one token as the token endpoint describes it, with a refresh token if it is for offline use."""
    tokens = local_globus().tokens
    claims = {"sub": identity, "client_id": client_id, "scope": scope} | ({"via": via} if via else {})
    answer = {
        "access_token": tokens.issue("access", ACCESS_SECONDS, claims),
        "scope": scope,
        "resource_server": resource_server(scope.split(maxsplit=1)[0]),
        "token_type": "Bearer",
        "expires_in": ACCESS_SECONDS,
        "other_tokens": [],
    }
    return answer | {"refresh_token": tokens.issue("refresh", REFRESH_SECONDS, claims)} if offline else answer
