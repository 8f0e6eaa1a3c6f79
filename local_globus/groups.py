"""The stand-in for Globus Groups."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from local_globus.access import Refusal, bearer
from local_globus.directory import GROUPS_SCOPE, person

routes = Blueprint("groups", __name__)


@routes.get("/v2/groups/my_groups")
def my_groups() -> Any:
    grant = bearer()
    if GROUPS_SCOPE not in grant.scope.split():
        raise Refusal("insufficient_scope", f"the token must have the scope {GROUPS_SCOPE}", 403)
    return [{"id": id_, "name": "Local group"} for id_ in person(grant.sub).groups]
