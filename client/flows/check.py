"""Check a definition: its form, and what the schema cannot express. Each finding names the place and the line."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from jsonschema import Draft7Validator

from .definition import PRIVATE_PARAMETERS, Definition
from .errors import DefinitionError, ExpressionError, Finding, PathError
from .expressions import parse
from .paths import compile_path, compile_result_path
from .schema import OPERATORS, RULE, STATES, TOP
from .sentences import dotted, nearest, quote, sentences
from .source import Position

MOST_FINDINGS = 200
MOST_HINTS = 20
_TOP, _RULE = Draft7Validator(TOP), Draft7Validator(RULE)
_STATES = {kind: Draft7Validator(schema) for kind, schema in STATES.items()}


def check(definition: Definition) -> list[Finding]:
    """Return all findings, in file order. If none of them is an error, the definition can be run."""
    checker = _Checker(definition)
    with contextlib.suppress(_EnoughFindings):
        checker.run()
    found = [*definition.source.findings, *checker.findings]
    found.sort(key=lambda finding: finding.line or 0)
    return list(dict.fromkeys(found))


def errors_of(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings that are errors."""
    return [finding for finding in findings if finding.severity == "error"]


def require_right(definition: Definition) -> None:
    """Raise DefinitionError with all findings if the definition has an error."""
    errors = errors_of(check(definition))
    if errors:
        raise DefinitionError(errors)


class _EnoughFindings(Exception):
    """Raised when there are enough findings."""


class _Checker:
    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.findings: list[Finding] = []

    def run(self) -> None:
        self.schema(_TOP, self.definition.data, ())
        data = self.definition.data
        states = data.get("States") if isinstance(data, dict) else None
        if not isinstance(states, dict):
            return
        start = data.get("StartAt")
        if isinstance(start, str) and start not in states:
            self.add(f"There is no state {quote(start)}{self.hint(start, states)}", ("StartAt",))
        for name, state in states.items():
            self.state(name, state)
        if isinstance(start, str) and start in states:
            for name in states.keys() - self.definition.reachable():
                self.add("It cannot be reached from the first state.", ("States", name), warning=True)

    def add(self, text: str, position: Position, *, warning: bool = False) -> None:
        in_state = len(position) > 1 and position[0] == "States"
        field = position[2:] if in_state else position
        self.findings.append(
            Finding(
                text,
                state=str(position[1]) if in_state else None,
                field=dotted(field) or None,
                line=self.definition.source.line(position),
                severity="warning" if warning else "error",
            )
        )
        if len(self.findings) >= MOST_FINDINGS:
            raise _EnoughFindings

    def hint(self, name: str, states: Mapping[str, Any]) -> str:
        """Return the end of a sentence about a missing state; only the first findings get a hint."""
        return nearest(name, states) if len(self.findings) < MOST_HINTS else "."

    def schema(self, validator: Draft7Validator, data: Any, position: Position) -> bool:
        """Return whether the data fits the schema; add findings if not."""
        found = False
        for error in validator.iter_errors(data):
            found = True
            for text, extra in sentences(error):
                self.add(text, (*position, *error.absolute_path, *extra))
        return not found

    def state(self, name: str, state: Any) -> None:
        position: Position = ("States", name)
        if not isinstance(state, dict):
            self.add("A state must be an object.", position)
            return
        kind = state.get("Type")
        if not isinstance(kind, str) or kind not in STATES:
            known = ", ".join(STATES)
            told = f"There is no type {quote(kind)}" if "Type" in state else "The field Type is missing"
            self.add(f"{told}; the types are {known}.", (*position, "Type") if "Type" in state else position)
            return
        self.schema(_STATES[kind], state, position)
        for field in ("InputPath", "SecondsPath", "TimestampPath", "ErrorPath", "CausePath"):
            if isinstance(state.get(field), str):
                self.path(state[field], (*position, field))
        if isinstance(state.get("ResultPath"), str):
            self.path(state["ResultPath"], (*position, "ResultPath"), result=True)
        self.parameters(state.get("Parameters"), (*position, "Parameters"))
        for index, catcher in enumerate(_list(state.get("Catch"))):
            self.catcher(catcher, (*position, "Catch", index))
        self.rules_of(kind, state, position)

    def rules_of(self, kind: str, state: Mapping[str, Any], position: Position) -> None:
        """Check the fields of a state against each other."""
        given = {name for name, value in state.items() if value is not None}
        if kind == "Choice":
            self.target(state.get("Default"), (*position, "Default"))
            for index, rule in enumerate(_list(state.get("Choices"))):
                self.rule(rule, (*position, "Choices", index), nested=False)
        elif kind != "Fail":
            self.transition(state, position)
        if {"Parameters", "InputPath"} <= given and kind != "Pass":
            self.add("It has both Parameters and InputPath; only one of them is allowed.", (*position, "InputPath"))
        if kind == "Pass" and "Result" in given:
            for name in sorted(given & {"Parameters", "InputPath"}):
                self.add(f"{name} has no effect with Result.", (*position, name), warning=True)
        if kind in ("Action", "AwaitWebInput", "CreateWebInput") and not given & {"Parameters", "InputPath"}:
            self.add("It has neither Parameters nor InputPath.", position)
        if kind == "Fail":
            for name in ("Error", "Cause"):
                if {name, f"{name}Path"} <= given:
                    self.add(f"It has both {name} and {name}Path; only one is allowed.", (*position, f"{name}Path"))
        if kind == "Wait":
            self.wait(state, given, position)
        if kind == "Action":
            self.action(state, given, position)

    def transition(self, state: Mapping[str, Any], position: Position) -> None:
        following, end = state.get("Next"), state.get("End")
        if following is not None and end is True:
            self.add("It has both Next and End; only one of them is allowed.", (*position, "End"))
        elif following is None and end is not True:
            self.add("It has neither Next nor End: true.", position)
        self.target(following, (*position, "Next"))

    def target(self, name: Any, position: Position) -> None:
        states = self.definition.states
        if isinstance(name, str) and name not in states:
            self.add(f"There is no state {quote(name)}{self.hint(name, states)}", position)

    def wait(self, state: Mapping[str, Any], given: set[str], position: Position) -> None:
        names = [name for name in ("Seconds", "SecondsPath", "Timestamp", "TimestampPath") if name in given]
        if len(names) != 1:
            told = "none" if not names else " and ".join(names)
            text = f"It must have one of Seconds, SecondsPath, Timestamp, TimestampPath; it has {told}."
            self.add(text, (*position, names[-1]) if names else position)
        if isinstance(state.get("Timestamp"), str):
            self.timestamp(state["Timestamp"], (*position, "Timestamp"))

    def action(self, state: Mapping[str, Any], given: set[str], position: Position) -> None:
        if len(given & {"ActionUrl", "Handler"}) != 1:
            told = "both" if "Handler" in given else "neither"
            self.add(f"It must have either ActionUrl or Handler; it has {told}.", position)
        if {"ActionScope", "Handler"} <= given:
            text = "ActionScope has no effect with Handler, which has its own Scope."
            self.add(text, (*position, "ActionScope"), warning=True)
        handler = state.get("Handler")
        if isinstance(handler, dict):
            needed = {"ActionProvider": "Url", "RegisteredAPI": "Id"}.get(str(handler.get("Type")))
            if needed and not isinstance(handler.get(needed), str):
                self.add(f"A Handler of type {handler['Type']} needs {needed}.", (*position, "Handler"))
        elif isinstance(handler, str) and not handler.startswith("urn:"):
            self.add(f"{quote(handler)} is neither an object nor a URN.", (*position, "Handler"))

    def catcher(self, catcher: Any, position: Position) -> None:
        if isinstance(catcher, dict):
            self.target(catcher.get("Next"), (*position, "Next"))
            if isinstance(catcher.get("ResultPath"), str):
                self.path(catcher["ResultPath"], (*position, "ResultPath"), result=True)

    def rule(self, rule: Any, position: Position, *, nested: bool) -> None:
        if not self.schema(_RULE, rule, position):
            return
        if nested and "Next" in rule:
            self.add("Only the outermost rule has Next.", (*position, "Next"))
        if not nested and "Next" not in rule:
            self.add("The field Next is missing.", position)
        self.target(rule.get("Next"), (*position, "Next"))
        logical = [name for name in ("And", "Or", "Not") if name in rule]
        operators = [name for name in rule if name in OPERATORS]
        if len(logical) + ("Variable" in rule) != 1:
            self.add("It must have exactly one of Variable, And, Or, and Not.", position)
        elif "Variable" in rule and len(operators) != 1:
            told = "none" if not operators else " and ".join(operators)
            self.add(f"A rule must have exactly one operator; it has {told}.", position)
        elif logical and operators:
            self.add(f"{logical[0]} and {operators[0]} exclude each other.", position)
        for name in logical:
            for key, part in _parts(name, rule[name]):
                self.rule(part, (*position, *key), nested=True)
        for name in ("Variable", *operators):
            if isinstance(rule.get(name), str) and (name == "Variable" or name.endswith("Path")):
                self.path(rule[name], (*position, name))
            elif name.startswith("Timestamp"):
                self.timestamp(rule[name], (*position, name))

    def parameters(self, value: Any, position: Position) -> None:
        """Check the paths and expressions in Parameters, at any depth."""
        if isinstance(value, list):
            for index, item in enumerate(value):
                self.parameters(item, (*position, index))
        if not isinstance(value, dict):
            return
        names = Counter(key.removesuffix(".$").removesuffix(".=") for key in value)
        for name in (name for name, count in names.items() if count > 1):
            self.add(f"{quote(name)} has more than one value, with '.$' or '.=' and without.", (*position, name))
        for key, item in value.items():
            here = (*position, key)
            if key == PRIVATE_PARAMETERS:
                if not isinstance(item, list) or any(not isinstance(name, str) for name in item):
                    self.add("It must be a list of names.", here)
            elif key.endswith((".$", ".=")):
                self.computed(key, item, here)
            else:
                self.parameters(item, here)

    def computed(self, key: str, item: Any, position: Position) -> None:
        kind = "JSONPath" if key.endswith(".$") else "an expression"
        if not isinstance(item, str):
            self.add(f"It must be a string with {kind}.", position)
        elif key.endswith(".$"):
            self.path(item, position)
        else:
            try:
                parse(item)
            except ExpressionError as error:
                self.add(str(error), position)

    def path(self, text: str, position: Position, *, result: bool = False) -> None:
        try:
            compile_result_path(text) if result else compile_path(text)
        except PathError as error:
            self.add(str(error), position)

    def timestamp(self, text: str, position: Position) -> None:
        try:
            if datetime.fromisoformat(text).tzinfo is None:
                raise ValueError
        except ValueError:
            example = "2030-01-31T12:00:00Z"
            self.add(f"{quote(text)} is not a time with an offset, such as {example}.", position)


def _parts(name: str, value: Any) -> Iterator[tuple[Position, Any]]:
    if name == "Not":
        yield (name,), value
    else:
        yield from (((name, index), part) for index, part in enumerate(value))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
