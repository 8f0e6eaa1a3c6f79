"""Lists the caller's Globus groups, by calling Globus Groups as the caller.

The access token for Globus Groups is a dependent token: Globus Auth grants it to this provider because the caller has
consented. Without consent, `token` raises ConsentRequired, and the action waits (INACTIVE) until the caller has
consented and resumes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import globus_sdk

from app.work import Active, Context, Failed, Job, Step, Succeeded

DESCRIPTION: Mapping[str, Any] = {
    "title": "My Groups",
    "subtitle": "List the Globus groups that you are a member of",
    "description": "Lists the caller's Globus groups, with their names and the caller's role in each.",
    "keywords": ["groups", "membership"],
    "admin_contact": "support@my-groups.example",
    "administered_by": [],
}

EXAMPLE_BODY: Mapping[str, Any] = {}

RESULT_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "required": ["groups"],
    "properties": {
        "groups": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id", "roles"],
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "name": {"type": "string"},
                    "roles": {"type": "array", "items": {"enum": ["member", "manager", "admin"]}},
                },
            },
        }
    },
}

EXAMPLE_RESULT: Mapping[str, Any] = {
    "groups": [{"id": "5b1c0de0-0000-4000-8000-0000000009a0", "name": "Local group", "roles": ["member"]}]
}

SCOPE = str(globus_sdk.GroupsClient.scopes.view_my_groups_and_memberships)

TRANSPORT: Mapping[str, Any] = {"http_timeout": 5.0, "max_retries": 1, "max_sleep": 1.0}
"""A call takes well under LEASE_SECONDS, even with its retry. globus-sdk's own limit is 60 s, five times."""

CALLERS_TURN = timedelta(seconds=1)


def begin(_body: Mapping[str, Any], _context: Context) -> Step:
    """Leave everything to `advance`: a call to another service does not belong here."""
    return Active()


def advance(job: Job, context: Context) -> Step:
    """Ask Globus Groups. If it does not answer, the error is logged and the call is retried later.

    :raises ConsentRequired: the caller has not consented.
    """
    if context.caller is None or job.creator_id not in context.caller.identities:
        return Active(look_after=CALLERS_TURN)  # only the creator's own requests list the creator's groups
    authorizer = globus_sdk.AccessTokenAuthorizer(context.caller.token(SCOPE))
    client = globus_sdk.GroupsClient(authorizer=authorizer, transport_params=dict(TRANSPORT))
    try:
        groups = client.get_my_groups()
    except globus_sdk.GlobusAPIError as error:
        if error.http_status in (400, 403, 404):  # a retry cannot change these; 401: the token was just revoked
            return Failed(f"Globus Groups answered {error.http_status}.", "GROUPS_REFUSED")
        raise
    return Succeeded({"groups": [described(group) for group in groups]})


def described(group: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the result says about a group, without its other members."""
    roles = sorted({membership["role"] for membership in group.get("my_memberships", [])})
    name = {"name": group["name"]} if "name" in group else {}
    return {"id": group["id"], **name, "roles": roles}
