"""An Action Provider for tests. It needs no network and uses the run's clock."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from .clock import Clock, ManualClock
from .errors import ProviderError
from .providers import Document


class Failure(Exception):
    """Raised by the work of a StubProvider to make the action FAIL with these details."""

    def __init__(self, details: Mapping[str, Any] | str) -> None:
        super().__init__(str(details))
        self.details = {"message": details} if isinstance(details, str) else dict(details)


@dataclass
class Action:
    """An action of a StubProvider."""

    action_id: str
    body: Any
    status: str
    details: Document
    start_time: datetime
    completion_time: datetime
    label: str | None = None
    inactive: Document | None = None
    canceled: bool = False


@dataclass
class StubProvider:
    """An Action Provider in this process, for tests.

    :param work: what the action does: gets the body, returns the details of a SUCCEEDED action, or raises
        :class:`Failure`. Without it, the details are the body.
    :param seconds: how long an action takes, by the clock.
    :param failure_rate: the share of actions that fail, from 0 to 1.
    :param seed: makes the failures repeatable.
    :param outcomes: instead of a rate, how the actions end in turn, by their words: ``["FAILED", "SUCCEEDED"]``; the
        last word holds for all further actions. INACTIVE waits to be resumed, and then succeeds.
    :param failure: the details of an action that fails.
    :param refuse: an error that every ``run`` raises.
    :param input_schema: the JSON Schema in the introspection document.
    :param clock: set by the fixture and by FlowRunner if it is not given.
    """

    work: Callable[[Any], Mapping[str, Any]] | None = None
    seconds: float = 0
    failure_rate: float = 0
    seed: int | None = None
    outcomes: Iterable[str] = ()
    failure: Mapping[str, Any] = field(default_factory=lambda: {"message": "It failed.", "error": "STUB"})
    refuse: ProviderError | None = None
    input_schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "object"})
    clock: Clock | None = None

    def __post_init__(self) -> None:
        self.actions: dict[str, Action] = {}
        self.calls: list[tuple[str, Any]] = []
        """All calls, in order: the operation, and its body or action_id."""
        self._by_request: dict[str, str] = {}
        self._random = random.Random(self.seed)  # noqa: S311 # chance in tests, not a secret
        self._words = list(self.outcomes)

    @property
    def bodies(self) -> list[Any]:
        """The bodies of all actions, in the order they were started."""
        return [action.body for action in self.actions.values()]

    def introspect(self) -> Document:
        return {"title": "Stub", "input_schema": dict(self.input_schema), "synchronous": False, "api_version": "1.0"}

    def run(self, body: Any, request_id: str, label: str | None = None) -> Document:
        self.calls.append(("run", body))
        if request_id in self._by_request:
            return self._view(self._by_request[request_id])
        if self.refuse is not None:
            raise self.refuse
        status, details, inactive = self._draw(body)
        now = self._now()
        action = Action(str(uuid.UUID(int=self._random.getrandbits(128), version=4)), body, status, details, now, now)
        action.completion_time += timedelta(seconds=self.seconds)
        action.label, action.inactive = label, inactive
        self.actions[action.action_id] = action
        self._by_request[request_id] = action.action_id
        return self._view(action.action_id)

    def status(self, action_id: str) -> Document:
        self.calls.append(("status", action_id))
        return self._view(action_id)

    def cancel(self, action_id: str) -> Document:
        self.calls.append(("cancel", action_id))
        if self._view(action_id)["status"] in ("SUCCEEDED", "FAILED"):
            raise ProviderError("The action is complete.", 409)
        action = self.actions[action_id]
        action.status, action.details, action.inactive = "FAILED", {"message": "Canceled", "error": "CANCELLED"}, None
        action.completion_time, action.canceled = self._now(), True
        return self._view(action_id)

    def release(self, action_id: str) -> Document:
        self.calls.append(("release", action_id))
        document = self._view(action_id)
        if document["status"] not in ("SUCCEEDED", "FAILED"):
            raise ProviderError("The action is not complete.", 409)
        self._by_request = {request: known for request, known in self._by_request.items() if known != action_id}
        return document

    def resume(self, action_id: str) -> Document:
        self.calls.append(("resume", action_id))
        self._view(action_id)
        self.actions[action_id].inactive = None
        return self._view(action_id)

    def _draw(self, body: Any) -> tuple[str, Document, Document | None]:
        word = "FAILED" if self._random.random() < self.failure_rate else "SUCCEEDED"
        if self._words:
            word = self._words.pop(0) if len(self._words) > 1 else self._words[0]
        inactive = {"code": "Paused", "description": "It is waiting to be resumed."} if word == "INACTIVE" else None
        if word == "FAILED":
            return "FAILED", dict(self.failure), None
        try:
            return "SUCCEEDED", dict(body if self.work is None else self.work(body)), inactive
        except Failure as failure:
            return "FAILED", failure.details, inactive

    def _view(self, action_id: str) -> Document:
        action = self.actions.get(action_id)
        if action is None:
            raise ProviderError(f"There is no action {action_id}.", 404)
        complete = action.inactive is None and self._now() >= action.completion_time
        status = "INACTIVE" if action.inactive else action.status if complete else "ACTIVE"
        return {
            "action_id": action_id,
            "status": status,
            "display_status": status,
            "details": action.inactive or (action.details if complete else {}),
            "start_time": action.start_time.isoformat(),
            "completion_time": action.completion_time.isoformat() if complete else None,
            "creator_id": "urn:globus:auth:identity:00000000-0000-4000-8000-000000000000",
            "label": action.label,
            "manage_by": [],
            "monitor_by": [],
            "release_after": "P30D",
        }

    def _now(self) -> datetime:
        if self.clock is None:
            self.clock = ManualClock()
        return self.clock.now()
