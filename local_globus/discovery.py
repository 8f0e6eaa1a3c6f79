"""Describes the stand-in as an OpenID Connect provider, so that clients can verify its id tokens."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from local_globus.access import local_globus

routes = Blueprint("discovery", __name__)


@routes.get("/.well-known/openid-configuration")
def openid_configuration() -> dict[str, Any]:
    base = request.host_url
    return {
        "issuer": base,
        "authorization_endpoint": f"{base}v2/oauth2/authorize",
        "token_endpoint": f"{base}v2/oauth2/token",
        "userinfo_endpoint": f"{base}v2/oauth2/userinfo",
        "jwks_uri": f"{base}jwks.json",
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
    }


@routes.get("/jwks.json")
def jwks() -> dict[str, Any]:
    return local_globus().tokens.jwks()
