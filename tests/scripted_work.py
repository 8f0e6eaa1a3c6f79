"""A work module that does what a test scripts: each hook takes the next entry of its list, and calls are recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.work import Active, Context, Job, Step, Succeeded

SCHEMA = Path(__file__).with_name("scripted_work.json")
DESCRIPTION: Mapping[str, Any] = {
    "title": "Scripted",
    "subtitle": "For tests",
    "description": "Does what a test scripts.",
    "keywords": [],
    "admin_contact": "tests@provider.example",
    "administered_by": [],
}
EXAMPLE_BODY: Mapping[str, Any] = {}

Entry = Step | BaseException | Callable[[Any, Context], Any] | None


class Crash(BaseException):
    """Raised by a hook to imitate the death of its process: nothing after the hook runs."""


@dataclass
class Script:
    """What the hooks do next, and how they were called. By default, actions begin, continue, and stop quietly."""

    begin: list[Entry] = field(default_factory=list)
    advance: list[Entry] = field(default_factory=list)
    cancel: list[Entry] = field(default_factory=list)
    release: list[Entry] = field(default_factory=list)
    calls: list[tuple[str, Any]] = field(default_factory=list)

    def names(self) -> list[str]:
        return [name for name, _ in self.calls]

    def jobs(self, name: str) -> list[Job]:
        return [job for called, job in self.calls if called == name]

    def play(self, name: str, subject: Any, context: Context, default: Any) -> Any:
        if name != "begin":
            self.calls.append((name, subject))
        entries: list[Entry] = getattr(self, name)
        entry: Any = entries.pop(0) if entries else default
        if isinstance(entry, BaseException):
            raise entry
        return entry(subject, context) if callable(entry) else entry


script = Script()


def begin(body: Any, context: Context) -> Step:
    step: Step = script.play("begin", body, context, Active())
    return step


def advance(job: Job, context: Context) -> Step:
    step: Step = script.play("advance", job, context, Succeeded())
    return step


def cancel(job: Job, context: Context) -> None:
    script.play("cancel", job, context, None)


def release(job: Job, context: Context) -> None:
    script.play("release", job, context, None)
