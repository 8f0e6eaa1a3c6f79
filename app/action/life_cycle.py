"""The life cycle of an action: each function returns the record that a transition makes of another.

Everything here is a pure function of its arguments.

The end of an action with a known duration is planned when it starts, so nothing has to run in between: the action *is*
complete from its completion time on. An action that continues elsewhere has a `Progress`, which says when its next hook
call is due. Its deadline, if it has one, is a planned end like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from app.action.error import InvalidRequest, InvalidState
from app.action.record import (
    CANCELLED,
    DEADLINE_EXCEEDED,
    Action,
    Hook,
    LogEntry,
    Outcome,
    Progress,
    Status,
    duration_isoformat,
    failed,
)
from app.action.request import ActionRequest
from app.work import Active, End, EndsAt, Failed, Inactive, Job, Step, Succeeded

LOG_ENTRIES = 98
"""How many changes a log keeps between the start and the end of an action: a log has at most 100 entries."""

LONGEST_RETRY = timedelta(minutes=5)
"""The longest pause before a hook that raises is called again. The first is one second, and each doubles."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits for all actions.

    :param release_after: how long a completed action is kept by default.
    :param max_release_after: how long it is kept at most.
    :param maximum_deadline: how far in the future a deadline may be.
    """

    release_after: timedelta
    max_release_after: timedelta
    maximum_deadline: timedelta


def check_deadline(deadline: datetime | None, now: datetime, maximum: timedelta) -> None:
    """Raise InvalidRequest if the deadline has passed at `now`, or is more than `maximum` away."""
    if deadline is None:
        return
    if deadline <= now:
        raise InvalidRequest(f"deadline: {deadline.isoformat()} has passed; the time here is {now.isoformat()}")
    if deadline - now > maximum:
        raise InvalidRequest(f"deadline: {deadline.isoformat()} is more than {duration_isoformat(maximum)} away")


def start(
    request: ActionRequest,
    step: Step,
    *,
    action_id: str,
    creator_id: str,
    identities: tuple[str, ...],
    now: datetime,
    limits: Limits,
    stops: bool = False,
    cleans_up: bool = False,
    acts_as_caller: bool = False,
) -> Action:
    """Return the record of an action that starts at `now` with `step`, the first one of its work.

    :param identities: the caller's, who monitor and manage the action unless the request names others.
    :raises InvalidRequest: its deadline has passed, or is too far away.
    :param stops: whether the work module has a `cancel` hook; `cleans_up`: a `release` hook.
    """
    check_deadline(request.deadline, now, limits.maximum_deadline)
    release_after = limits.release_after if request.release_after is None else request.release_after
    begun = partial(  # one call makes the record; `replace` would take longer than all the rest
        Action,
        action_id=action_id,
        creator_id=creator_id,
        request_id=request.request_id,
        content=request.content,
        label=request.label,
        monitor_by=request.monitor_by or identities,
        manage_by=request.manage_by or identities,
        start_time=now,
        release_after=min(release_after, limits.max_release_after),
    )
    deadline = request.deadline
    match step:
        case EndsAt(time, _) if deadline is not None and deadline < time:  # the estimate must not tell the end
            return begun(completion_time=deadline, outcome=DEADLINE_EXCEEDED, estimate=time)
        case EndsAt(time, end):
            return begun(completion_time=time, outcome=outcome_of(end))
        case Succeeded() | Failed():
            return begun(completion_time=now, outcome=outcome_of(step), final=True)
        case Active() | Inactive():
            progress = Progress(
                body=request.body,
                deadline=deadline,
                acts_as_caller=acts_as_caller,
                stops=stops,
                cleans_up=cleans_up,
            )
            outcome = None if deadline is None else DEADLINE_EXCEEDED
            action = begun(completion_time=deadline, outcome=outcome, progress=progress)
            return replace(_continued(action, step, now), version=0)


def outcome_of(end: End) -> Outcome:
    """Return the outcome that a last step stands for."""
    if isinstance(end, Succeeded):
        return Outcome(Status.SUCCEEDED, end.details)
    return failed(end.message, end.error, end.details)


def job_of(action: Action) -> Job:
    """Return what the hooks see of an action that continues elsewhere."""
    progress = _progress(action)
    return Job(
        action_id=action.action_id,
        creator_id=action.creator_id,
        body=progress.body,
        label=action.label,
        start_time=action.start_time,
        deadline=progress.deadline,
        state=progress.state,
        attempt=max(progress.attempt, 1),
    )


def settle(action: Action, now: datetime) -> Action:
    """Make the end final if the action is complete at `now`; otherwise return the same record."""
    if action.final or not action.is_complete(now):
        return action
    return _ended(action, now)


def cancel(action: Action, now: datetime) -> Action:
    """Return the record of this action canceled at `now`.

    :raises InvalidState: it is complete.
    """
    if action.is_complete(now):
        raise InvalidState(f"The action is complete ({action.status(now)}) and can no longer be canceled.")
    return _ended(replace(action, completion_time=now, outcome=CANCELLED), now)


def release(action: Action, now: datetime, lease: timedelta) -> Action:
    """Return the record of a completed action that callers no longer see, with its last hooks claimed."""
    progress = _progress(action)
    last: tuple[Hook, ...] = ("release",) if progress.cleans_up else ()
    return _claimed(action, replace(progress, pending=(*progress.pending, *last), released=True), now, lease)


def is_due(action: Action, now: datetime, *, for_creator: bool) -> bool:
    """Return whether a hook call of this action is due at `now`.

    :param for_creator: whether the creator is asking: an action that acts as its creator advances for nobody else.
    """
    progress = action.progress
    if progress is None or progress.due is None or now < progress.due:
        return False
    if action.final:
        return bool(progress.pending)
    if action.is_complete(now) or progress.inactive:
        return False
    return for_creator or not progress.acts_as_caller


def claim(action: Action, now: datetime, lease: timedelta) -> Action:
    """Return the record with the next hook call claimed until `lease` has passed."""
    return _claimed(action, _progress(action), now, lease)


def resume(action: Action, now: datetime, lease: timedelta) -> Action:
    """Return the record of an INACTIVE action made ACTIVE, with the next call of `advance` claimed.

    :raises InvalidState: it is not INACTIVE.
    """
    action.check_resumable(now)
    progress = replace(_progress(action), inactive=False, display_status=None, details={}, attempt=0)
    progress = _logged(progress, now, Status.ACTIVE, "The action was resumed.", {})
    return _claimed(action, progress, now, lease)


def stepped(action: Action, step: Step, now: datetime, *, acts_as_caller: bool) -> Action:
    """Return the record after a call of `advance` that returned `step` at `now`."""
    before = _progress(action)
    progress = replace(before, acts_as_caller=before.acts_as_caller or acts_as_caller)
    action = replace(action, progress=progress)
    match step:
        case Active() | Inactive():
            return _continued(action, step, now)
        case Succeeded() | Failed():
            done = replace(progress, due=None, attempt=0, stops=False)
            return _ended(replace(action, completion_time=now, outcome=outcome_of(step), progress=done), now)
        case EndsAt():
            raise TypeError("advance must not return EndsAt")


def retry_later(action: Action, now: datetime, *, acts_as_caller: bool = False) -> Action:
    """Return the record after a hook call that raised an error: the next call is due after a pause."""
    progress = _progress(action)
    pause = min(timedelta(seconds=2 ** min(progress.attempt - 1, 20)), LONGEST_RETRY)
    used = progress.acts_as_caller or acts_as_caller
    return _next(replace(action, progress=replace(progress, due=now + pause, acts_as_caller=used)))


def stop_again(action: Action, now: datetime, lease: timedelta) -> Action:
    """Return the record with one more call of the `cancel` hook pending and claimed: a late step was discarded."""
    progress = _progress(action)
    others = tuple(hook for hook in progress.pending if hook != "cancel")
    return _claimed(action, replace(progress, pending=("cancel", *others)), now, lease)


def called(action: Action, hook: Hook) -> Action:
    """Return the record after a pending hook has returned."""
    progress = _progress(action)
    pending = tuple(other for other in progress.pending if other != hook)
    due = progress.due if pending else None
    return _next(replace(action, progress=replace(progress, pending=pending, due=due, attempt=1 if pending else 0)))


def _continued(action: Action, step: Active | Inactive, now: datetime) -> Action:
    before = _progress(action)
    details: Mapping[str, Any] = step.details
    if isinstance(step, Inactive):
        scope = {} if step.required_scope is None else {"required_scope": step.required_scope}
        details = {**step.details, "code": step.code, "description": step.description, **scope}
    inactive = isinstance(step, Inactive)
    after = replace(
        before,
        state=step.state,
        details=details,
        display_status=step.display_status,
        inactive=inactive,
        due=None if isinstance(step, Inactive) else now + step.look_after,
        attempt=0,
    )
    if (before.inactive, before.display_status) != (after.inactive, after.display_status):
        status = Status.INACTIVE if inactive else Status.ACTIVE
        description = step.description if isinstance(step, Inactive) else step.display_status or "The action is active."
        after = _logged(after, now, status, description, details)
    return _next(replace(action, progress=after))


def _ended(action: Action, now: datetime) -> Action:
    """Make the planned end final, and schedule the stop of work that runs elsewhere."""
    progress = action.progress
    if progress is not None:
        stops = progress.stops
        pending: tuple[Hook, ...] = ("cancel",) if stops else ()
        progress = replace(progress, inactive=False, pending=pending, due=now if stops else None, attempt=0)
    return _next(replace(action, final=True, progress=progress))


def _claimed(action: Action, progress: Progress, now: datetime, lease: timedelta) -> Action:
    return _next(replace(action, progress=replace(progress, due=now + lease, attempt=progress.attempt + 1)))


def _logged(progress: Progress, now: datetime, code: str, text: str, details: Mapping[str, Any]) -> Progress:
    entries = (*progress.entries, LogEntry(now, code, text, details))[-LOG_ENTRIES:]
    return replace(progress, entries=entries)


def _next(action: Action) -> Action:
    return replace(action, version=action.version + 1)


def _progress(action: Action) -> Progress:
    if action.progress is None:
        raise ValueError("the work of this action does not continue elsewhere")
    return action.progress
