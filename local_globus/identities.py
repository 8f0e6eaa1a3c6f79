"""Looks up identities and their consents."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, request

from local_globus.access import OAuthError, bearer_grant, local_globus, require_known_caller
from local_globus.directory import (
    IDENTITY_PROVIDER_ID,
    Person,
    is_uuid,
    people_with_usernames,
    person,
)

routes = Blueprint("identities", __name__)

ORGANIZATION = "Local Example"


@routes.get("/v2/oauth2/userinfo")
def userinfo() -> dict[str, Any]:
    return profile(bearer_grant().sub)


@routes.get("/v2/api/identities")
def identities() -> dict[str, Any]:
    """Find identities by `ids` or `usernames`, both separated by commas. Unknown usernames are left out."""
    require_known_caller()
    ids = [id_.strip() for id_ in request.args.get("ids", "").split(",")]
    found = [identity(person(id_), id_) for id_ in ids if is_uuid(id_)]
    found += [identity(who, who.id) for who in people_with_usernames(request.args.get("usernames", ""))]
    return {"identities": found}


@routes.get("/v2/api/identities/<uuid:id_>")
def get_identity(id_: uuid.UUID) -> dict[str, Any]:
    require_known_caller()
    return {"identity": identity(person(str(id_)), str(id_))}


@routes.get("/v2/api/identities/<uuid:id_>/consents")
def consents(id_: uuid.UUID) -> dict[str, Any]:
    """List the caller's consents in the form of Globus Auth, which globus-sdk's apps read.

    :raises OAuthError: 403, the token is another person's.
    """
    grant = bearer_grant()
    if str(id_) not in person(grant.sub).identity_set:
        raise OAuthError("forbidden", "these consents belong to another identity", 403)
    found = local_globus().consents
    return {"consents": [consent(grant.sub, grant.client_id, path) for path in found.paths(grant.sub)]}


def consent(identity_id: str, client_id: str, path: tuple[str, ...]) -> dict[str, Any]:
    """Return one consent in the form of Globus Auth. `client_id` is the client at the start of the path."""
    known = local_globus().consents
    since = datetime.fromtimestamp(known.given_at(identity_id, path), UTC).isoformat()
    owner = local_globus().registry.scope(path[-2]).client_id if len(path) > 1 else client_id
    return {
        "id": known.number(identity_id, path),
        "dependency_path": [known.number(identity_id, path[:end]) for end in range(1, len(path) + 1)],
        "scope": str(uuid.uuid5(uuid.NAMESPACE_URL, path[-1])),
        "scope_name": path[-1],
        "client": owner,
        "effective_identity": person(identity_id).id,
        "status": "approved",
        "created": since,
        "updated": since,
        "last_used": since,
        "allows_refresh": True,
        "auto_approved": False,
        "atomically_revocable": len(path) > 1,
    }


def identity(who: Person, id_: str) -> dict[str, Any]:
    """Return an identity as Globus Auth describes it."""
    return {
        "id": id_,
        "username": who.username,
        "name": display_name(who),
        "email": who.username,
        "organization": ORGANIZATION,
        "identity_provider": IDENTITY_PROVIDER_ID,
        "identity_type": "login",
        "status": "used",
    }


def profile(sub: str) -> dict[str, Any]:
    """Return a person's OpenID Connect claims."""
    who = person(sub)
    names = {"username": who.username, "preferred_username": who.username, "email": who.username}
    return {
        "sub": sub,
        **names,
        "name": display_name(who),
        "organization": ORGANIZATION,
        "identity_provider": IDENTITY_PROVIDER_ID,
        "identity_provider_display_name": ORGANIZATION,
    }


def display_name(who: Person) -> str:
    """Return a person's name for display."""
    return who.name.capitalize()
