"""Converts an action's record to JSON text and back: a row of few columns is read several times as fast as one of many.

Times and durations are whole microseconds, which are exact. The same record is always the same text.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from app.action.record import Action, LogEntry, Outcome, Progress, Status

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(time: datetime) -> int:
    """Return the microseconds from 1970 in UTC to `time`."""
    return (time - _EPOCH) // _MICROSECOND


def optional_microseconds(time: datetime | None) -> int | None:
    return None if time is None else (time - _EPOCH) // _MICROSECOND


def to_text(action: Action) -> str:
    """Return the record as JSON text. It is private: callers never see it as it is."""
    progress, outcome = action.progress, action.outcome
    record: dict[str, Any] = {
        "action_id": action.action_id,
        "creator_id": action.creator_id,
        "request_id": action.request_id,
        "content": action.content.hex(),
        "label": action.label,
        "monitor_by": action.monitor_by,
        "manage_by": action.manage_by,
        "start_time": microseconds(action.start_time),
        "completion_time": optional_microseconds(action.completion_time),
        "release_after": action.release_after // _MICROSECOND,
        "status": None if outcome is None else outcome.status,
        "details": None if outcome is None else outcome.details,
        "final": action.final,
        "version": action.version,
    }
    if action.estimate is not None:
        record["estimate"] = microseconds(action.estimate)
    if progress is not None:
        record["progress"] = _progress_document(progress)
    return orjson.dumps(record).decode()


def to_action(text: str) -> Action:
    """Return the record that a text holds."""
    record = orjson.loads(text)
    status, progress = record["status"], record.get("progress")
    estimate = record.get("estimate")
    return Action(
        action_id=record["action_id"],
        creator_id=record["creator_id"],
        request_id=record["request_id"],
        content=bytes.fromhex(record["content"]),
        label=record["label"],
        monitor_by=tuple(record["monitor_by"]),
        manage_by=tuple(record["manage_by"]),
        start_time=_EPOCH + timedelta(microseconds=record["start_time"]),
        completion_time=_time(record["completion_time"]),
        release_after=timedelta(microseconds=record["release_after"]),
        outcome=None if status is None else Outcome(Status(status), record["details"]),
        final=record["final"],
        estimate=None if estimate is None else _time(estimate),
        progress=None if progress is None else _to_progress(progress),
        version=record["version"],
    )


def _progress_document(progress: Progress) -> dict[str, Any]:
    return {
        "body": progress.body,
        "deadline": optional_microseconds(progress.deadline),
        "state": progress.state,
        "details": progress.details,
        "display_status": progress.display_status,
        "inactive": progress.inactive,
        "due": optional_microseconds(progress.due),
        "attempt": progress.attempt,
        "acts_as_caller": progress.acts_as_caller,
        "pending": progress.pending,
        "stops": progress.stops,
        "cleans_up": progress.cleans_up,
        "released": progress.released,
        "entries": [
            [microseconds(entry.time), entry.code, entry.description, entry.details] for entry in progress.entries
        ],
    }


def _to_progress(document: dict[str, Any]) -> Progress:
    entries = document.pop("entries")
    times: dict[str, Any] = {name: _time(document.pop(name)) for name in ("deadline", "due")}
    return Progress(
        **document | {"pending": tuple(document["pending"])},
        **times,
        entries=tuple(
            LogEntry(_EPOCH + timedelta(microseconds=time), code, description, details)
            for time, code, description, details in entries
        ),
    )


def _time(number: int | None) -> datetime | None:
    return None if number is None else _EPOCH + timedelta(microseconds=number)
