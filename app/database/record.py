"""An action's record as one text of JSON: a row of few columns is read several times as fast as one of many.

Times and durations stand in it as numbers of microseconds, which are exact. The same record is always the same text.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson
from globus_action_provider_tools import ActionStatusValue

from app.action.record import Action, Outcome

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(duration: timedelta) -> int:
    return duration // _MICROSECOND


def since_epoch(time: datetime) -> int:
    """The microseconds from 1970 in UTC to `time`."""
    return (time - _EPOCH) // _MICROSECOND


def at(number: int) -> datetime:
    """The time that is so many microseconds after 1970, in UTC."""
    return _EPOCH + timedelta(microseconds=number)


def to_text(action: Action) -> str:
    """The record of an action; whether it is `final` is not in it."""
    record = {
        "action_id": action.action_id,
        "creator_id": action.creator_id,
        "request_id": action.request_id,
        "content": action.content.hex(),
        "label": action.label,
        "monitor_by": action.monitor_by,
        "manage_by": action.manage_by,
        "start_time": since_epoch(action.start_time),
        "completion_time": since_epoch(action.completion_time),
        "release_after": microseconds(action.release_after),
        "status": action.outcome.status.value,
        "details": action.outcome.details,
    }
    return orjson.dumps(record).decode()


def to_action(text: str, *, final: bool) -> Action:
    record = orjson.loads(text)
    return Action(
        action_id=record["action_id"],
        creator_id=record["creator_id"],
        request_id=record["request_id"],
        content=bytes.fromhex(record["content"]),
        label=record["label"],
        monitor_by=tuple(record["monitor_by"]),
        manage_by=tuple(record["manage_by"]),
        start_time=at(record["start_time"]),
        completion_time=at(record["completion_time"]),
        release_after=timedelta(microseconds=record["release_after"]),
        outcome=Outcome(ActionStatusValue(record["status"]), record["details"]),
        final=final,
    )
