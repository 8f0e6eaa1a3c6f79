"""The interface of a work module: what an action does, step by step.

A work module defines what a provider does; everything else is reusable as it is. `begin` decides how an action
proceeds, and `advance` starts the work or checks on it. Each returns a step. docs/your-own-provider.md explains how to
write one.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The action has succeeded. `details` is its public result."""

    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failed:
    """The action has failed.

    :param message: a sentence for people.
    :param error: a word for programs, such as `WATCHLESS`.
    :param details: further public details.
    """

    message: str
    error: str
    details: Mapping[str, Any] = field(default_factory=dict)


End = Succeeded | Failed


@dataclass(frozen=True, slots=True)
class EndsAt:
    """The action ends at a `time` that is known in advance. How it ends stays private until then. Only for `begin`."""

    time: datetime
    end: End


@dataclass(frozen=True, slots=True)
class Active:
    """The work continues elsewhere.

    :param state: private; the next call gets it back as `job.state`. JSON values only, as in `details`.
    :param details: public, shown while the action is active.
    :param display_status: a public text of up to 64 characters, such as "running, 3 of 7"; `ACTIVE` if None.
    :param look_after: how long to wait before the next call of `advance`.
    """

    state: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    display_status: str | None = None
    look_after: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Inactive:
    """The action waits until one of its managers calls `resume`.

    :param code: a word for programs, such as `ConsentRequired`.
    :param description: a sentence that says what is needed.
    :param required_scope: the scope that the caller must consent to, if that is what is needed.
    """

    code: str
    description: str
    state: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    display_status: str | None = None
    required_scope: str | None = None


Step = Succeeded | Failed | EndsAt | Active | Inactive


@dataclass(frozen=True, slots=True)
class Job:
    """One action, as a hook sees it.

    `action_id` is unique and stays the same for all calls: use it as the key that makes a submission idempotent.
    `attempt` is 1 for the first call of `advance` after a step, and one higher for each repetition of a call that
    raised an error or never returned.
    """

    action_id: str
    creator_id: str
    body: Any
    label: str | None
    start_time: datetime
    deadline: datetime | None
    state: Mapping[str, Any]
    attempt: int


class Caller(Protocol):
    """The person or service whose request calls a hook."""

    @property
    def effective_identity(self) -> str:
        """The principal URN of the identity that the caller's token was issued to."""

    @property
    def identities(self) -> frozenset[str]:
        """The principal URNs of all linked identities."""

    @property
    def groups(self) -> frozenset[str]:
        """The principal URNs of the caller's groups.

        :raises Unavailable: Globus Groups does not respond.
        """

    def token(self, scope: str) -> str:
        """Return an access token for `scope`, to act as the caller elsewhere (a dependent token of Globus Auth).

        :raises ConsentRequired: the caller has not consented. Let it pass: the action becomes INACTIVE.
        :raises Unavailable: Globus Auth does not respond.
        """


class ConsentRequired(Exception):
    """Raised by `Caller.token` when the caller has not consented to `scope`.

    :param required_scope: the scope to ask the caller to consent to: this provider's, with `scope` as a dependency.
    """

    def __init__(self, required_scope: str) -> None:
        super().__init__(f"consent required: {required_scope}")
        self.required_scope = required_scope


@dataclass(frozen=True, slots=True)
class Context:
    """The circumstances of a call.

    :param now: the current time, in UTC.
    :param random: the source of chance, seeded if RANDOM_SEED is set.
    :param settings: the values of the module's own SETTINGS, by name.
    :param caller: who is asking; None if nobody is (`flask advance`, expiry).
    """

    now: datetime
    random: Random
    settings: Mapping[str, Any]
    caller: Caller | None


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of a work module: WHATTIME_<NAME> in the environment overrides `default`.

    :param parser: converts the text of the environment variable; raises ValueError if it is wrong.
    :param expected: completes the sentence "it must be …" of an error message.
    :param secret: whether the value must not show in an error message, such as a URL with a password.
    """

    default: Any
    parser: Callable[[str], Any]
    expected: str
    secret: bool = False


@dataclass(frozen=True)
class Work:
    """A loaded work module, with the defaults filled in.

    `result_schema` (RESULT_SCHEMA) and `example_result` (EXAMPLE_RESULT) describe the details of an action that has
    succeeded, for the OpenAPI description and the page at /docs.
    """

    name: str
    description: Mapping[str, Any]
    example_body: Mapping[str, Any]
    schema: Path
    synchronous: bool
    settings: Mapping[str, Setting]
    result_schema: Mapping[str, Any]
    example_result: Mapping[str, Any]
    begin: Callable[[Any, Context], Step]
    advance: Callable[[Job, Context], Step] | None = None
    cancel: Callable[[Job, Context], None] | None = None
    release: Callable[[Job, Context], None] | None = None
    check_settings: Callable[[Mapping[str, Any]], None] | None = None


class WorkError(Exception):
    """Raised when a work module cannot be used: one line that says why."""


def load_work(name: str) -> Work:
    """Import the work module of this dotted name.

    :raises WorkError: it cannot be imported, or lacks a required attribute.
    """
    try:
        module = importlib.import_module(name)
    except Exception as error:
        reason = " ".join(str(error).split())
        raise WorkError(f"the module {name} cannot be imported: {type(error).__name__}: {reason}") from error
    return work_of(module)


def work_of(module: ModuleType) -> Work:
    """Return the work that a module defines.

    :raises WorkError: a required attribute is missing or has the wrong type.
    """
    for attribute in ("DESCRIPTION", "EXAMPLE_BODY", "begin"):
        if not hasattr(module, attribute):
            raise WorkError(f"the module {module.__name__} does not define {attribute}")
    for hook in ("begin", "advance", "cancel", "release", "check_settings"):
        if not callable(getattr(module, hook, load_work)):
            raise WorkError(f"{module.__name__}.{hook} is not a function")
    try:
        settings = {
            name: entry if isinstance(entry, Setting) else Setting(*entry)
            for name, entry in getattr(module, "SETTINGS", {}).items()
        }
    except (TypeError, AttributeError) as error:
        expected = "name → (default, parser, what is expected)"
        raise WorkError(f"{module.__name__}.SETTINGS must map {expected}") from error
    folder = Path(str(module.__file__)).parent
    return Work(
        name=module.__name__,
        description=module.DESCRIPTION,
        example_body=module.EXAMPLE_BODY,
        schema=folder / getattr(module, "SCHEMA", "schema.json"),
        synchronous=bool(getattr(module, "SYNCHRONOUS", False)),
        settings=settings,
        result_schema=getattr(module, "RESULT_SCHEMA", {"type": "object"}),
        example_result=getattr(module, "EXAMPLE_RESULT", {}),
        begin=module.begin,
        advance=getattr(module, "advance", None),
        cancel=getattr(module, "cancel", None),
        release=getattr(module, "release", None),
        check_settings=getattr(module, "check_settings", None),
    )
