"""An action's record and its life: how it starts, how it ends, and what it looks like at a time.

Everything here is a pure function of its arguments: no Flask, no database, no clock and no chance of its own.

The end of an action is planned when it starts, so nothing has to run in between: an action *is* complete from its
completion time on. Cancelling replaces the planned end by one that is now.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import isodate
from globus_action_provider_tools import ActionStatusValue

from app.error import InvalidRequest, InvalidState

duration_isoformat = functools.lru_cache(maxsize=1024)(isodate.duration_isoformat)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an action ends. Nobody is shown it before it has: see `Action.view`."""

    status: ActionStatusValue
    details: Mapping[str, Any]


def failed(message: str, error: str) -> Outcome:
    """The outcome of an action that fails: a sentence for people and a word for programs."""
    return Outcome(ActionStatusValue.FAILED, {"message": message, "error": error})


CANCELLED = failed("Job cancelled", "CANCELLED")
DEADLINE_EXCEEDED = failed("The deadline came before the action was done.", "DEADLINE_EXCEEDED")


@dataclass(frozen=True, slots=True)
class ActionRequest:
    """A valid request to run an action, as `RequestParser.parse` makes it.

    `content` is a digest of all but the request_id: requests with the same one ask for the same.
    `release_after` is None where the request does not say.
    """

    request_id: str
    content: bytes
    body: Mapping[str, Any]
    label: str | None
    monitor_by: tuple[str, ...]
    manage_by: tuple[str, ...]
    deadline: datetime | None
    release_after: timedelta | None


@dataclass(frozen=True, slots=True)
class Limits:
    """What holds for all actions: how long a completed one is kept by default and at most, and how far off its
    deadline may be."""

    release_after: timedelta
    max_release_after: timedelta
    maximum_deadline: timedelta


@dataclass(frozen=True, slots=True)
class Action:
    """An action's record. It never leaves this program: callers are shown what `view` and `log` build from it.

    `completion_time` and `outcome` are the end that is planned as long as `final` is False. `final` says that somebody
    has been shown the end, or that it was cancelled: from then on the record does not change any more.
    """

    action_id: str
    creator_id: str
    request_id: str
    content: bytes
    label: str | None
    monitor_by: tuple[str, ...]
    manage_by: tuple[str, ...]
    start_time: datetime
    completion_time: datetime
    release_after: timedelta
    outcome: Outcome
    final: bool = False

    def is_complete(self, now: datetime) -> bool:
        return self.final or now >= self.completion_time

    @property
    def expiry(self) -> datetime:
        """When the action will have been complete for `release_after`: it is gone then, cleaned up or not."""
        return self.completion_time + self.release_after

    def is_expired(self, now: datetime) -> bool:
        return now >= self.expiry

    def status(self, now: datetime) -> ActionStatusValue:
        return self.outcome.status if self.is_complete(now) else ActionStatusValue.ACTIVE

    @property
    def readers(self) -> tuple[str, ...]:
        """The principals that may see the action."""
        return (self.creator_id, *self.monitor_by, *self.manage_by)

    @property
    def managers(self) -> tuple[str, ...]:
        """The principals that may cancel and release the action."""
        return (self.creator_id, *self.manage_by)

    def view(self, now: datetime) -> dict[str, Any]:
        """The action's public status document at `now`, of the toolkit's `ActionStatus` form."""
        document = {
            "action_id": self.action_id,
            "status": ActionStatusValue.ACTIVE,
            "display_status": ActionStatusValue.ACTIVE,
            "creator_id": self.creator_id,
            "monitor_by": self.monitor_by,
            "manage_by": self.manage_by,
            "start_time": self.start_time,
            "release_after": duration_isoformat(self.release_after),
        }
        if self.label is not None:
            document["label"] = self.label
        if self.is_complete(now):
            document["status"] = document["display_status"] = self.outcome.status
            document["completion_time"] = self.completion_time
            document["details"] = self.outcome.details
        else:
            document["details"] = {"estimated_completion_time": self.completion_time}
        return document

    def log(self, now: datetime) -> list[dict[str, Any]]:
        """What has happened to the action by `now`, oldest first, as entries of the toolkit's `ActionLogReturn`."""
        entries = [_entry(self.start_time, "STARTED", "The action started.", {"creator_id": self.creator_id})]
        if self.is_complete(now):
            details = self.outcome.details
            code = details.get("error", self.outcome.status)
            description = details.get("message", f"The action {self.outcome.status.lower()}.")
            entries.append(_entry(self.completion_time, code, description, details))
        return entries

    def cancel(self, now: datetime) -> Action:
        """The record of this action cancelled at `now`.

        :raises InvalidState: it is complete.
        """
        if self.is_complete(now):
            raise InvalidState(f"The action is complete ({self.outcome.status}): there is nothing left to cancel.")
        return replace(self, completion_time=now, outcome=CANCELLED, final=True)

    def check_releasable(self, now: datetime) -> None:
        """Nothing, where the action may be released at `now`.

        :raises InvalidState: it is not complete.
        """
        if not self.is_complete(now):
            raise InvalidState("The action is still active: cancel it, or wait until it is complete, then release it.")


def start(
    request: ActionRequest,
    *,
    action_id: str,
    creator_id: str,
    identities: tuple[str, ...],
    now: datetime,
    duration: timedelta,
    outcome: Outcome,
    limits: Limits,
) -> Action:
    """The record of an action that starts at `now`, takes `duration` and ends in `outcome`, or fails at its deadline.

    :param identities: the caller's, who monitor and manage the action where the request names nobody.
    """
    completion_time = now + duration
    if request.deadline is not None and request.deadline < completion_time:
        completion_time, outcome = request.deadline, DEADLINE_EXCEEDED
    release_after = limits.release_after if request.release_after is None else request.release_after
    return Action(
        action_id=action_id,
        creator_id=creator_id,
        request_id=request.request_id,
        content=request.content,
        label=request.label,
        monitor_by=request.monitor_by or identities,
        manage_by=request.manage_by or identities,
        start_time=now,
        completion_time=completion_time,
        release_after=min(release_after, limits.max_release_after),
        outcome=outcome,
    )


def check_deadline(deadline: datetime | None, now: datetime, maximum: timedelta) -> None:
    """Nothing, where an action that starts at `now` may have this deadline, or none.

    :raises InvalidRequest: it has passed, or is further off than `maximum`.
    """
    if deadline is None:
        return
    if deadline <= now:
        raise InvalidRequest(f"deadline: {deadline.isoformat()} has passed; it is {now.isoformat()} here")
    if deadline - now > maximum:
        raise InvalidRequest(f"deadline: {deadline.isoformat()} is further off than {duration_isoformat(maximum)}")


def _entry(time: datetime, code: str, description: str, details: Mapping[str, Any]) -> dict[str, Any]:
    return {"time": time, "code": code, "description": description, "details": details}
