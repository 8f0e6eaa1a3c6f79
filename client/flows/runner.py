"""FlowRunner: run a flow definition on this machine, state by state. For development; it is not the service."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from .action import ActionState, Consent
from .check import require_right
from .clock import Clock, SystemClock
from .context import make_context
from .definition import Definition
from .errors import RUNTIME, TOO_LARGE, DefinitionError, Finding, FlowError
from .observer import Observer
from .parameters import input_of, put_result
from .providers import Provider, ProviderFactory, factory_of, provider_for
from .run import Position, Recorder, Run, check_size
from .scope import Scope
from .source import from_data
from .states import choose, failure_of, find_catcher, wait_until
from .visits import Visits
from .webinput import Answerer, await_answer, create

MOST_VISITS = 100_000
"""How many states a run may enter in all."""
MOST_VISITS_AT_ONCE = 10_000
LONGEST_SECONDS_AT_ONCE = 5.0
"""How many states may be entered, and for how long, while the run's clock stands still."""
_NEVER_CAUGHT_BY_ALL = (RUNTIME, TOO_LARGE)


class FlowRunner:
    """Runs one definition any number of times, one run after another.

    :param definition: the definition, or the path of a JSON or YAML file.
    :param providers: the provider to call for each URL in the definition, ``"*"`` for all others; or a function that
        finds it.
    :param clock: the clock of the run.
    :param context: further fields of ``$._context``, such as ``username``.
    :param input_schema: a JSON Schema that the input must fit.
    :param answer: answers the questions of web inputs.
    :param consent: called for an INACTIVE action; return true to resume it.
    :param observer: notified of what happens.
    :param keep: do not release actions.
    :param write: called with each entry of the log.
    :param save: called with the position whenever it changes.
    :param most_visits: how many states a run may enter.
    :raises DefinitionError: the definition is invalid; has all findings.
    """

    def __init__(
        self,
        definition: Definition | Mapping[str, Any] | Path | str,
        providers: Mapping[str, Provider] | ProviderFactory | None = None,
        *,
        clock: Clock | None = None,
        context: Mapping[str, Any] | None = None,
        input_schema: Mapping[str, Any] | None = None,
        answer: Answerer | None = None,
        consent: Consent | None = None,
        observer: Observer | None = None,
        keep: bool = False,
        write: Callable[[Mapping[str, Any]], None] = lambda _entry: None,
        save: Callable[[Position], None] = lambda _position: None,
        most_visits: int = MOST_VISITS,
    ) -> None:
        self.definition = Definition.load(definition)
        require_right(self.definition)
        self.clock = clock or SystemClock()
        self.position: Position | None = None
        """The position of the run that is in progress or was stopped."""
        self._providers = factory_of({} if providers is None else providers, self.clock)
        self._context = dict(context or {})
        self._input_schema = input_schema
        self._answer: Answerer = answer or (lambda _question: None)
        self._consent = consent
        self._observer = observer or Observer()
        self._keep = keep
        self.write, self.save = write, save
        self.prepare: Callable[[], None] = lambda: None
        """Called before a run starts, once all providers have been found."""
        self._most_visits = most_visits
        self._run: Run | None = None
        self._recorder: Recorder | None = None

    def run(self, data: Mapping[str, Any] | None = None, *, label: str = "Local run", run_id: str | None = None) -> Run:
        """Run the flow to the end.

        :param data: the input.
        :raises DefinitionError: the input does not consist of JSON values, or does not fit the schema; or the
            definition calls an unknown provider.
        """
        checked = from_data(dict(data or {})).data
        self._check_input(checked)
        self._find_providers()
        now = self.clock.now()
        position = Position(
            run_id=run_id or str(uuid.uuid4()),
            flow_id=str(uuid.uuid5(uuid.NAMESPACE_OID, str(self.definition.data))),
            label=label,
            start_time=now.isoformat(),
            state=self.definition.start,
            data=checked,
        )
        position.context = make_context(position.flow_id, position.run_id, now, self._context)
        return self._loop(position, is_new=True)

    def resume(self, position: Position) -> Run:
        """Continue a run that was stopped. An action that was already started is not started again."""
        self._find_providers()
        return self._loop(position, is_new=False)

    def cancel(self) -> Run:
        """Cancel the run that was stopped, and the action that it is waiting for.

        :raises ProviderError: the provider does not cancel the action.
        """
        if self._run is None or self._recorder is None or self.position is None:
            raise RuntimeError("There is no run to cancel.")
        if self.position.action_id is not None:
            self.provider(self.position.state).cancel(self.position.action_id)
        self._recorder.canceled()
        return self._run

    def provider(self, name: str) -> Provider:
        """Return the provider of an Action state.

        :raises DefinitionError: there is none.
        """
        return provider_for(self.definition.states[name], self._providers)

    def _find_providers(self) -> None:
        for name in sorted(self.definition.reachable()):
            if self.definition.states[name]["Type"] == "Action":
                self.provider(name)
        self.prepare()

    def _check_input(self, data: Any) -> None:
        if self._input_schema is None:
            return
        from .bridge import schema_problems

        problems = schema_problems(self._input_schema, data)
        if problems:
            raise DefinitionError([Finding(problem, field="input") for problem in problems])

    def _loop(self, position: Position, *, is_new: bool) -> Run:
        self.position = position
        run = Run(position.run_id, position.flow_id, position.label, datetime.fromisoformat(position.start_time))
        recorder = Recorder(run, self.clock.now, self.write)
        self._run, self._recorder = run, recorder
        if is_new:
            recorder.flow_started(position.data)
        visits = Visits(self.clock, self._most_visits, datetime.fromisoformat(position.start_time))
        while True:
            try:
                visits.count(position.visit)
                following = self._visit(run, recorder, position)
            except FlowError as error:
                recorder.failed(position.state, error, position.data)
                return run
            if following is None:
                recorder.succeeded(position.data)
                return run
            position.state, position.action_id, position.ended, position.entered = following, None, None, ""
            position.visit += 1

    def _visit(self, run: Run, recorder: Recorder, position: Position) -> str | None:
        """Visit the state at the position, and return the name of the next one; None at the end.

        :raises FlowError: the state fails, and no Catch handles it.
        """
        name, state = position.state, self.definition.states[position.state]
        run.states.append(name)
        if not position.entered:
            position.entered = self.clock.now().isoformat()
        self.save(position)
        self._observer.state_started(name, state)
        try:
            data, following, outcome = self._execute(run, recorder, position, state)
            check_size(data)
        except FlowError as error:
            recorder.state_failed(name, state["Type"], error)
            self._observer.state_ended(name, state, f"{error.error}: {error.cause}")
            catcher = find_catcher(state, error)
            if catcher is None:
                raise
            position.data = put_result(position.data, catcher.get("ResultPath"), error.output)
            check_size(position.data)
            return str(catcher["Next"])
        position.data = data
        recorder.state_completed(name, state["Type"], data)
        self._observer.state_ended(name, state, outcome)
        return following

    def _execute(
        self, run: Run, recorder: Recorder, position: Position, state: Mapping[str, Any]
    ) -> tuple[Any, str | None, str]:
        """Return the new state of the run, the name of the next state, and the outcome in words."""
        kind, data = state["Type"], position.data
        scope = Scope(data, position.context)
        if kind in ("Choice", "Wait", "Fail"):
            recorder.state_started(position.state, kind, data, None)
            if kind == "Choice":
                following = choose(state, scope)
                return data, following, f"→ {following}"
            if kind == "Fail":
                raise failure_of(state, scope)
            return data, state.get("Next"), self._wait(position, state, scope)
        given = input_of(state, scope)
        check_size(given)
        recorder.state_started(position.state, kind, given, state.get("Parameters"))
        outcome = "done"
        if kind == "Action":
            result: Any = self._action(run, recorder, position, state).execute(given)
            outcome = str(result["status"])
        elif kind == "CreateWebInput":
            result = create(position, given)
        elif kind == "AwaitWebInput":
            result = await_answer(position, given, self._answer)
            outcome = f"answered {result['response']!r}"
        else:
            result = state["Result"] if state.get("Result") is not None else given
            check_size(result)
        return put_result(data, state.get("ResultPath"), result), state.get("Next"), outcome

    def _action(self, run: Run, recorder: Recorder, position: Position, state: Mapping[str, Any]) -> ActionState:
        def set_status(status: str) -> None:
            run.status = status

        return ActionState(
            position,
            state,
            self.provider(position.state),
            self.clock,
            self._observer,
            recorder,
            save=lambda: self.save(position),
            consent=self._consent,
            set_status=set_status,
            keep=self._keep,
        )

    def _wait(self, position: Position, state: Mapping[str, Any], scope: Scope) -> str:
        until = wait_until(state, scope, datetime.fromisoformat(position.entered))
        seconds = (until - self.clock.now()).total_seconds()
        if seconds > 0:
            self._observer.waiting(position.state, until)
            self.clock.sleep(seconds)
        return "done"
