"""``$._context``: what a flow can read about its run and the user who runs it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

NO_USER = "urn:globus:auth:identity:00000000-0000-4000-8000-000000000000"
TOKEN_SECONDS = 172_800


def make_context(flow_id: str, run_id: str, now: datetime, more: Mapping[str, Any]) -> dict[str, Any]:
    """Return the context of a new run, with a made-up user.

    :param more: fields that are known, such as ``username``.
    """
    seconds = int(now.timestamp())
    return {
        "flow_id": flow_id,
        "run_id": run_id,
        "action_id": run_id,  # its name in old flows
        "username": "local-user@example.org",
        "email": "local-user@example.org",
        "user_id": NO_USER,
        "identities": [NO_USER],
        "token_info": {"exp": seconds + TOKEN_SECONDS, "iat": seconds, "nbf": seconds},
        **more,
    }
