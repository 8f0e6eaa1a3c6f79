"""Introspects and revokes tokens."""

from __future__ import annotations

import time
from typing import Any

from flask import Blueprint, request

from local_globus.access import authenticated_client, local_globus
from local_globus.directory import person
from local_globus.identities import profile
from local_globus.tokens import ACCESS_SECONDS

routes = Blueprint("introspection", __name__)


@routes.post("/v2/oauth2/token/introspect")
def introspect() -> dict[str, Any]:
    """Describe a token to a client (RFC 7662), with the person's identities if asked for."""
    authenticated_client()
    grant = local_globus().grant(request.form.get("token", ""))
    if grant is None:
        return {"active": False}
    now = int(time.time())
    answer = {
        "active": True,
        "scope": grant.scope,
        "client_id": grant.client_id,
        "aud": local_globus().registry.audience(grant.scope),
        "iss": request.host_url,
        "iat": now,
        "nbf": now,
        "exp": now + ACCESS_SECONDS,
        "token_type": "Bearer",
        **profile(grant.sub),
    }
    if "identity_set" in request.form.get("include", "").split(","):
        answer["identity_set"] = person(grant.sub).identity_set
    return answer


@routes.post("/v2/oauth2/token/revoke")
def revoke() -> dict[str, Any]:
    """Revoke a token (RFC 7009). An unknown one is not an error."""
    local_globus().tokens.revoke(request.form.get("token", ""))
    return {"active": False}
