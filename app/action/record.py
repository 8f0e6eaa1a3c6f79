"""An action's record, and the public documents that are built from it.

A record never leaves this program. `view` and `log` build what callers see, so that nothing private can slip through.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal

import isodate

from app.action.error import InvalidState

duration_isoformat = functools.lru_cache(maxsize=1024)(isodate.duration_isoformat)


class Status(StrEnum):
    """The status of an action, as the Action Provider interface names it."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an action ends. It is private until then."""

    status: Status
    details: Mapping[str, Any]


def failed(message: str, error: str, details: Mapping[str, Any] | None = None) -> Outcome:
    """Return the outcome of a failed action: a sentence for people and a word for programs."""
    return Outcome(Status.FAILED, {**(details or {}), "message": message, "error": error})


CANCELLED = failed("Job cancelled", "CANCELLED")
DEADLINE_EXCEEDED = failed("The deadline passed before the action was complete.", "DEADLINE_EXCEEDED")

Hook = Literal["cancel", "release"]


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A change shown in an action's log."""

    time: datetime
    code: str
    description: str
    details: Mapping[str, Any]

    def view(self) -> dict[str, Any]:
        return {"time": self.time, "code": self.code, "description": self.description, "details": self.details}


@dataclass(frozen=True, slots=True)
class Progress:
    """What is kept of an action whose work continues elsewhere.

    :param body: the request's body, for later calls of the hooks.
    :param state: the work module's private state, as the last step left it.
    :param inactive: whether the action waits for `resume`.
    :param due: when the next hook call is due; None if none is. A claim moves it to the end of the lease.
    :param attempt: how many calls have started since the last step was stored.
    :param acts_as_caller: whether a hook has used the caller's tokens. Then only the creator's requests advance it.
    :param pending: hooks still to be called, at least once each, now that the action has ended.
    :param stops: whether `cancel` must be called if the action is ended from here.
    :param cleans_up: whether `release` must be called before the action is forgotten.
    :param released: whether the action was released: nobody sees it any more.
    """

    body: Any
    deadline: datetime | None = None
    state: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    display_status: str | None = None
    inactive: bool = False
    due: datetime | None = None
    attempt: int = 0
    acts_as_caller: bool = False
    pending: tuple[Hook, ...] = ()
    stops: bool = False
    cleans_up: bool = False
    released: bool = False
    entries: tuple[LogEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class Action:
    """An action's record.

    `completion_time` and `outcome` are the planned end until `final` is True; both are None if no end is known.
    `final` means that a caller has seen the end, or that the action was canceled: the end does not change after that.
    `estimate` is the completion time that callers see in advance, if it is not `completion_time`.
    `version` counts the changes of the record.
    """

    action_id: str
    creator_id: str
    request_id: str
    content: bytes
    label: str | None
    monitor_by: tuple[str, ...]
    manage_by: tuple[str, ...]
    start_time: datetime
    completion_time: datetime | None
    release_after: timedelta
    outcome: Outcome | None
    final: bool = False
    estimate: datetime | None = None
    progress: Progress | None = None
    version: int = 0

    def is_complete(self, now: datetime) -> bool:
        return self.final or (self.completion_time is not None and now >= self.completion_time)

    def is_expired(self, now: datetime) -> bool:
        """Return whether the action has been complete for `release_after`, or was released: it is gone then."""
        if self.progress is not None and self.progress.released:
            return True
        return self.completion_time is not None and now >= self.completion_time + self.release_after

    @property
    def purge_time(self) -> datetime | None:
        """When the record may simply be dropped; None while hooks must be called before that."""
        if self.completion_time is None:
            return None
        progress = self.progress
        if progress is not None and (not self.final or progress.pending or progress.cleans_up):
            return None
        return self.completion_time + self.release_after

    @property
    def due(self) -> datetime | None:
        """When `flask advance` must look after the action if nobody reads it; None if never."""
        progress = self.progress
        if progress is None:
            return None
        if self.final:
            if progress.pending:
                return progress.due
            return self._expiry if progress.cleans_up else None
        advances = None if progress.inactive or progress.acts_as_caller else progress.due
        times = [time for time in (advances, self.completion_time) if time is not None]
        return min(times, default=None)

    @property
    def _expiry(self) -> datetime | None:
        return None if self.completion_time is None else self.completion_time + self.release_after

    def status(self, now: datetime) -> Status:
        return self._status(self.is_complete(now))

    @property
    def stored_status(self) -> Status:
        """The status until the record changes: without an end that is not final."""
        return self._status(self.final)

    def _status(self, has_ended: bool) -> Status:
        if has_ended and self.outcome is not None:
            return self.outcome.status
        return Status.INACTIVE if self.progress is not None and self.progress.inactive else Status.ACTIVE

    @property
    def place(self) -> tuple[datetime, str]:
        """The action's place in lists: the newest is first, and no two share a place."""
        return self.start_time, self.action_id

    @property
    def readers(self) -> tuple[str, ...]:
        """The principals that may see the action."""
        return (self.creator_id, *self.monitor_by, *self.manage_by)

    @property
    def managers(self) -> tuple[str, ...]:
        """The principals that may cancel, release, and resume the action."""
        return (self.creator_id, *self.manage_by)

    def view(self, now: datetime) -> dict[str, Any]:
        """Return the public status document at `now`, in the toolkit's `ActionStatus` form."""
        return self._document(self.is_complete(now))

    @property
    def stored_view(self) -> dict[str, Any]:
        """The public status document until the record changes: without an end that is not final."""
        return self._document(self.final)

    def _document(self, has_ended: bool) -> dict[str, Any]:
        document = {
            "action_id": self.action_id,
            "status": Status.ACTIVE,
            "display_status": Status.ACTIVE,
            "creator_id": self.creator_id,
            "monitor_by": self.monitor_by,
            "manage_by": self.manage_by,
            "start_time": self.start_time,
            "release_after": duration_isoformat(self.release_after),
        }
        if self.label is not None:
            document["label"] = self.label
        if has_ended and self.outcome is not None:
            document["status"] = document["display_status"] = self.outcome.status
            document["completion_time"] = self.completion_time
            document["details"] = self.outcome.details
        elif self.progress is not None:
            document["status"] = status = self._status(has_ended)
            document["display_status"] = self.progress.display_status or status
            document["details"] = self.progress.details
        else:
            document["details"] = {"estimated_completion_time": self.estimate or self.completion_time}
        return document

    def log(self, now: datetime) -> list[dict[str, Any]]:
        """Return what has happened by `now`, oldest first, as entries of the toolkit's `ActionLogReturn` form."""
        entries = [LogEntry(self.start_time, "STARTED", "The action started.", {"creator_id": self.creator_id})]
        if self.progress is not None:
            entries += self.progress.entries
        if self.outcome is not None and self.is_complete(now):
            details, status = self.outcome.details, self.outcome.status
            code = str(details.get("error", status)) if status is Status.FAILED else status
            description = details.get("message") if status is Status.FAILED else None
            ended = description or f"The action {status.lower()}."
            entries.append(LogEntry(self.completion_time or now, code, ended, details))
        return [entry.view() for entry in entries]

    def check_releasable(self, now: datetime) -> None:
        """Raise InvalidState unless the action is complete at `now`."""
        if not self.is_complete(now):
            status = self.status(now).lower()
            raise InvalidState(
                f"The action is still {status}. Cancel it, or wait until it is complete, before you release it."
            )

    def check_resumable(self, now: datetime) -> None:
        """Raise InvalidState unless the action is INACTIVE at `now`."""
        if self.status(now) is not Status.INACTIVE:
            raise InvalidState(f"The action is {self.status(now)}. Only an INACTIVE action can be resumed.")
