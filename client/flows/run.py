"""A run of a flow: its position, what has happened so far, and how it ended."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from .errors import TOO_LARGE, ExpressionError, FlowError
from .functions import tree_size
from .parameters import hide

LARGEST_STATE_BYTES = 200_000
"""The service's limit on the state of a run (200 KB)."""
MOST_ENTRIES = 10_000
"""How many log entries a run keeps in memory."""


@dataclass
class Position:
    """Where a run is: everything needed to continue it in another process."""

    run_id: str
    flow_id: str
    label: str
    start_time: str
    state: str
    data: Any
    visit: int = 0
    """How many states were entered before this one."""
    entered: str = ""
    """When the state was entered."""
    action_id: str | None = None
    """The action that the state has started."""
    ended: dict[str, Any] | None = None
    """The last status document of that action, once no further one is needed."""
    web_inputs: dict[str, Any] = field(default_factory=dict)
    """The questions created by CreateWebInput states, by id."""
    context: dict[str, Any] = field(default_factory=dict)
    """``$._context``."""

    @property
    def request_id(self) -> str:
        """The request_id for the action of this visit: the same on every retry, and different for every visit."""
        return str(uuid.uuid5(uuid.UUID(self.run_id), f"{self.visit} {self.state}"))

    def as_json(self) -> str:
        """Return the position as JSON text."""
        return json.dumps(asdict(self))


@dataclass
class Run:
    """A run, in the service's terms."""

    run_id: str
    flow_id: str
    label: str
    start_time: datetime
    status: str = "ACTIVE"
    output: Any = None
    """The final state of the run, including private values; show people :attr:`details` instead."""
    details: dict[str, Any] = field(default_factory=dict)
    completion_time: datetime | None = None
    error: FlowError | None = None
    """Why it FAILED."""
    log: list[dict[str, Any]] = field(default_factory=list)
    """The last MOST_ENTRIES log entries, in the service's form, without private values."""
    states: list[str] = field(default_factory=list)
    """The names of the states, in the order they were entered."""

    @property
    def succeeded(self) -> bool:
        """Whether it has SUCCEEDED."""
        return self.status == "SUCCEEDED"

    def document(self) -> dict[str, Any]:
        """Return the status of the run, in the service's form, without private values."""
        return {
            "run_id": self.run_id,
            "action_id": self.run_id,
            "flow_id": self.flow_id,
            "label": self.label,
            "status": self.status,
            "display_status": self.status,
            "start_time": self.start_time.isoformat(),
            "completion_time": self.completion_time.isoformat() if self.completion_time else None,
            "details": self.details,
        }


class Recorder:
    """Adds entries to the log of a run, and passes each to `write`."""

    def __init__(self, run: Run, now: Callable[[], datetime], write: Callable[[Mapping[str, Any]], None]) -> None:
        self._run, self._now, self._write = run, now, write

    def flow_started(self, data: Any) -> None:
        self._add("FlowStarted", "The Flow Instance started execution", {"input": hide(data)})

    def state_started(self, name: str, kind: str, given: Any, parameters: Any) -> None:
        details = {"state_name": name, "state_type": kind, "input": hide(given, parameters)}
        self._add(f"{kind}Started", f"State {name} of type {kind} started", details)

    def state_completed(self, name: str, kind: str, output: Any) -> None:
        details = {"state_name": name, "state_type": kind, "output": hide(output)}
        self._add(f"{kind}Completed", f"State {name} of type {kind} completed", details)

    def state_failed(self, name: str, kind: str, error: FlowError) -> None:
        details = {"state_name": name, "state_type": kind, "exception": error.error, "cause": _shown(error)}
        self._add(f"{kind}Failed", f"State {name} of type {kind} failed", details)

    def polled(self, name: str, document: Mapping[str, Any]) -> None:
        details = {"state_name": name, "state_type": "Action", "action_status": hide(document)}
        self._add("ActionPolled", f"State {name} of type Action polled", details)

    def succeeded(self, data: Any) -> None:
        details = {"output": hide(data)}
        self._end("SUCCEEDED", "FlowSucceeded", "The Flow Instance completed successfully", details)
        self._run.output = data

    def failed(self, name: str, error: FlowError, data: Any) -> None:
        details = {"state_name": name, "exception": error.error, "cause": _shown(error)}
        self._end("FAILED", "FlowFailed", "The Flow Instance failed", details)
        self._run.output, self._run.error = data, error

    def canceled(self) -> None:
        self._end("FAILED", "FlowCanceled", "The Flow Instance was canceled", {})

    def _end(self, status: str, code: str, description: str, details: dict[str, Any]) -> None:
        self._run.status, self._run.completion_time = status, self._now()
        known = {"output": details["output"]} if "output" in details else {"details": details}
        self._run.details = {"code": code, "description": description, **known}
        self._add(code, description, details)

    def _add(self, code: str, description: str, details: dict[str, Any]) -> None:
        entry = {"time": self._now().isoformat(), "code": code, "description": description, "details": details}
        self._run.log.append(entry)
        if len(self._run.log) > MOST_ENTRIES:
            del self._run.log[0]
        self._write(entry)


def check_size(data: Any) -> None:
    """Raise FlowError if the state of the run is larger than the service allows."""
    try:
        tree_size(data)
        size = len(json.dumps(data).encode())
    except (ExpressionError, RecursionError):
        size = LARGEST_STATE_BYTES + 1
    if size > LARGEST_STATE_BYTES:
        cause = f"The state of the run is larger than {LARGEST_STATE_BYTES:,} bytes, or nested too deeply."
        raise FlowError(TOO_LARGE, cause)


def _shown(error: FlowError) -> Any:
    return error.cause if error.document is None else hide(dict(error.document))
