"""Calls the hooks of the work module: times and checks each call, and turns its failures into log lines."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any, Protocol, TypeVar

import orjson

from app.action.error import Unavailable
from app.action.life_cycle import job_of
from app.action.record import Action, Hook
from app.work import (
    Active,
    Caller,
    ConsentRequired,
    Context,
    End,
    EndsAt,
    Failed,
    Inactive,
    Step,
    Succeeded,
    Work,
)

T = TypeVar("T")
Continued = TypeVar("Continued", Active, Inactive)
log = logging.getLogger(__name__)

LONGEST_PAUSE = timedelta(days=36525)
"""The longest `look_after`: a hundred years."""

DISPLAY_CHARACTERS = 64
"""The length of `display_status` in the toolkit's ActionStatus."""

NO_PLACE = "All threads for this provider's work are busy. Please try again."


class Observer(Protocol):
    """Counts and times what happens to actions."""

    def action(self, event: str, times: int = 1) -> None:
        """Count an event: started, succeeded, failed, cancelled, released, or expired."""

    def hook(self, name: str, result: str, seconds: float) -> None:
        """Record a hook call that `returned` or `raised`."""


class Places(Protocol):
    """Limits how many threads are in hooks at a time."""

    def try_enter(self, kind: str) -> bool:
        """Take a place without waiting. Return False if there is none."""

    def leave(self, kind: str) -> None:
        """Give the place back."""


class TrackedCaller:
    """A caller that remembers whether its tokens were used."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self.used = False

    @property
    def effective_identity(self) -> str:
        return self._caller.effective_identity

    @property
    def identities(self) -> frozenset[str]:
        return self._caller.identities

    @property
    def groups(self) -> frozenset[str]:
        return self._caller.groups

    def token(self, scope: str) -> str:
        self.used = True
        return self._caller.token(scope)


class Hooks:
    """The hooks of a work module.

    :param clock: tells the time, in UTC.
    :param timer: a monotonic clock, in seconds.
    :param settings: the work module's own settings.
    """

    def __init__(
        self,
        work: Work,
        *,
        clock: Callable[[], datetime],
        timer: Callable[[], float],
        random: Random,
        settings: Mapping[str, Any],
        observer: Observer,
        places: Places,
    ) -> None:
        self.work = work
        self._places = places
        self._may_wait = work.advance is not None or work.synchronous
        self._clock = clock
        self._timer = timer
        self._random = random
        self._settings = settings
        self._observer = observer

    def begin(self, body: Any, caller: Caller, now: datetime) -> tuple[Step, bool]:
        """Return the first step of an action, and whether it used the caller's tokens.

        :raises ActionError: the work module refuses the request, or too many threads are in `begin`.
        """
        if self._may_wait and not self._places.try_enter("begin"):
            raise Unavailable(NO_PLACE)
        try:
            return self._begin(body, caller, now)
        finally:
            if self._may_wait:
                self._places.leave("begin")

    def _begin(self, body: Any, caller: Caller, now: datetime) -> tuple[Step, bool]:
        tracked = TrackedCaller(caller)
        context = Context(now, self._random, self._settings, tracked)
        try:
            step = checked(self.work.begin(body, context))
        except ConsentRequired as error:
            step = consent_step(error, {})
        if isinstance(step, Active | Inactive) and self.work.advance is None:
            raise TypeError(f"{self.work.name} defines no advance, but begin returned {type(step).__name__}")
        return step, tracked.used

    def advance(self, action: Action, caller: Caller | None) -> tuple[Step | None, bool]:
        """Return the next step of an action, None if the hook raised an error; and whether it used tokens."""
        tracked = None if caller is None else TrackedCaller(caller)
        job, advance = job_of(action), self.work.advance
        if advance is None:
            log.error("%s defines no advance: action %s cannot continue", self.work.name, action.action_id)
            return None, False
        try:
            step = checked(self._timed("advance", lambda: advance(job, self._context(tracked))))
            if isinstance(step, EndsAt):
                raise TypeError("advance must not return EndsAt")
        except ConsentRequired as error:
            return consent_step(error, job.state), True
        except Exception:
            log.exception("advance failed for action %s, attempt %d", action.action_id, job.attempt)
            step = None
        return step, tracked is not None and tracked.used

    def call(self, hook: Hook, action: Action, caller: Caller | None) -> bool:
        """Call `cancel` or `release`, if the module has it. Return whether it returned."""
        job = job_of(action)
        function = self.work.cancel if hook == "cancel" else self.work.release
        if function is None:
            return True
        try:
            self._timed(hook, lambda: function(job, self._context(caller)))
        except Exception:
            log.exception("%s failed for action %s, attempt %d", hook, action.action_id, job.attempt)
            return False
        return True

    def _context(self, caller: Caller | None) -> Context:
        return Context(self._clock(), self._random, self._settings, caller)

    def _timed(self, name: str, function: Callable[[], T]) -> T:
        begin, result = self._timer(), "raised"
        try:
            returned = function()
            result = "returned"
            return returned
        finally:
            self._observer.hook(name, result, self._timer() - begin)


def consent_step(error: ConsentRequired, state: Mapping[str, Any]) -> Inactive:
    """Return the step of an action that waits for the caller's consent, in the form that Globus clients know."""
    description = "The caller must consent to this scope, then resume the action."
    return Inactive("ConsentRequired", description, state=state, required_scope=error.required_scope)


def checked(step: Step) -> Step:
    """Return the step with its details and state as plain JSON values.

    :raises TypeError: it is not a step, or holds something of the wrong type, or that JSON cannot express.
    :raises UnicodeEncodeError: it holds text that UTF-8 cannot express.
    """
    match step:
        case Succeeded() | Failed():
            return _checked_end(step)
        case EndsAt():
            if step.time.tzinfo is None:
                raise TypeError("EndsAt.time has no time zone")
            return replace(step, end=_checked_end(step.end))
        case Active():
            pause = min(max(step.look_after, timedelta(0)), LONGEST_PAUSE)
            return replace(_with_json(step), look_after=pause)
        case Inactive():
            _check_texts(step.code, step.description, step.required_scope or "")
            return _with_json(step)
    raise TypeError(f"a hook must return a step, not {type(step).__name__}")


def _checked_end(end: End) -> End:
    if isinstance(end, Failed):
        _check_texts(end.message, end.error)
    return replace(end, details=_json_object(end.details))


def _with_json(step: Continued) -> Continued:
    _check_texts(step.display_status or "")
    return replace(
        step,
        details=_json_object(step.details),
        state=_json_object(step.state),
        display_status=_short(step.display_status),
    )


def _check_texts(*texts: str) -> None:
    for text in texts:
        if not isinstance(text, str):
            raise TypeError(f"a step has {type(text).__name__} where it must have text")
        text.encode()


def _short(display_status: str | None) -> str | None:
    """Return the text with at most DISPLAY_CHARACTERS, or None if it is empty."""
    if display_status is None or len(display_status) <= DISPLAY_CHARACTERS:
        return display_status or None
    return display_status[: DISPLAY_CHARACTERS - 1] + "…"


def _json_object(value: Mapping[str, Any]) -> Mapping[str, Any]:
    plain = orjson.loads(orjson.dumps(value if isinstance(value, dict) else dict(value)))
    if not isinstance(plain, dict):
        raise TypeError("details and state must be objects")
    return plain
