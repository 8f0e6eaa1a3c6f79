"""Converts actions and queries to the parameters of SQL statements."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import orjson

from app.action.record import Action, Outcome, Status
from app.action.store import Query, document_of
from app.database.listed import FEW, planned_end, roles_of, sums_with
from app.database.record import since_epoch, to_text
from app.database.schema import NEVER


def to_json(values: Any) -> str:
    return orjson.dumps(values).decode()


def digest(request_id: str) -> bytes:
    return hashlib.sha256(request_id.encode()).digest()


def digest_of_released(action_id: str) -> bytes:
    """Return a digest that no request_id has, so that the request can start a new action."""
    return b"released " + action_id.encode()


def changing_columns(action: Action) -> dict[str, Any]:
    """Return the columns of the table `actions` that change."""
    purge_time, due = action.purge_time, action.due
    return {
        "record": to_text(action),
        "document": document_of(action),
        "version": action.version,
        "purge_time": None if purge_time is None else since_epoch(purge_time),
        "due": None if due is None else since_epoch(due),
    }


def listed_columns(action: Action) -> dict[str, Any]:
    """Return the columns of the table `action_principals` that change. They do not show an end that is not final."""
    end = action.completion_time
    ends = planned_end(action)
    return {
        "status": action.stored_status.value,
        "ends": None if ends is None else since_epoch(ends),
        "expiry": NEVER if end is None else since_epoch(end + action.release_after),
    }


def new_rows(action: Action) -> dict[str, Any]:
    return {
        "action_id": action.action_id,
        "creator_id": action.creator_id,
        "request_digest": digest(action.request_id),
        "start_time": since_epoch(action.start_time),
        "principals": to_json(
            [{"principal": principal, "roles": bits} for principal, bits in roles_of(action).items()]
        ),
        **changing_columns(action),
        **listed_columns(action),
    }


def list_parameters(query: Query, now: datetime) -> dict[str, Any]:
    values = {
        "principals": to_json(sorted(query.principals)),
        "roles": to_json(sums_with(query.roles)),
        "statuses": to_json(sorted(query.statuses)),
    }
    return values | _range(query, now)


def few_parameters(query: Query, now: datetime) -> dict[str, Any] | None:
    """Return the parameters of the statement for FEW combinations; None if there are more."""
    roles = sums_with(query.roles)
    if len(query.principals) * len(roles) * len(query.statuses) > FEW:
        return None
    values = dict(_UNUSED)
    for number, combination in enumerate(product(query.principals, roles, query.statuses)):
        names = (f"principal_{number}", f"roles_{number}", f"status_{number}")
        values |= zip(names, combination, strict=True)
    return values | _range(query, now)


def _range(query: Query, now: datetime) -> dict[str, Any]:
    time, action_id = (NEVER, "") if query.after is None else (since_epoch(query.after[0]), query.after[1])
    return {
        "before_time": time,
        "before_id": action_id,
        "now": since_epoch(now),
        "limit": query.limit + 1,
    }


_UNUSED = dict.fromkeys(f"{name}_{number}" for name in ("principal", "roles", "status") for number in range(FEW))
_TIME = datetime(2000, 1, 1, tzinfo=UTC)
_URN = "urn:globus:auth:identity:00000000-0000-0000-0000-000000000000"
DECOY = to_text(
    Action(
        action_id="00000000-0000-0000-0000-000000000000",
        creator_id=_URN,
        request_id="00000000-0000-0000-0000-000000000000",
        content=bytes(16),
        label=None,
        monitor_by=(_URN,),
        manage_by=(_URN,),
        start_time=_TIME,
        completion_time=_TIME,
        release_after=timedelta(1),
        outcome=Outcome(Status.SUCCEEDED, {"result": _TIME.isoformat()}),
    )
)
