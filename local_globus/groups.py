"""Serves the one request that the toolkit sends to Globus Groups: which groups the caller is in."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from local_globus.access import OAuthError, bearer_grant
from local_globus.directory import GROUPS_SCOPE, Person, person

routes = Blueprint("groups", __name__)


@routes.get("/v2/groups/my_groups", strict_slashes=False)
def my_groups() -> Any:
    """List the caller's groups, with the memberships that toolkits up to 0.12 read."""
    grant = bearer_grant()
    if GROUPS_SCOPE not in grant.scope.split():
        raise OAuthError("insufficient_scope", f"the token must have the scope {GROUPS_SCOPE}", 403)
    who = person(grant.sub)
    return [group(id_, who) for id_ in who.groups]


def group(id_: str, who: Person) -> dict[str, Any]:
    """Return a group in the form that Globus Groups shows to a member."""
    membership = {"group_id": id_, "identity_id": who.id, "username": who.username, "role": "member"}
    return {
        "id": id_,
        "name": "Local group",
        "description": "The group of Alice and Bob",
        "group_type": "regular",
        "my_memberships": [{**membership, "status": "active"}],
    }
