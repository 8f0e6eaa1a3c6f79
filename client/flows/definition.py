"""A flow definition: its states, the line of each part, and which states can follow which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .source import Source, from_data, read_file

PRIVATE_PARAMETERS = "__Private_Parameters"


@dataclass(frozen=True)
class Definition:
    """A definition as it was written. Only :func:`.check.check` knows whether it is valid."""

    source: Source

    @classmethod
    def load(cls, given: Definition | Mapping[str, Any] | Path | str) -> Definition:
        """Read a definition from a mapping, or from a JSON or YAML file.

        :raises DefinitionError: the file is neither JSON nor YAML.
        :raises OSError: it cannot be read.
        """
        if isinstance(given, Definition):
            return given
        return cls(from_data(given) if isinstance(given, Mapping) else read_file(Path(given)))

    @property
    def data(self) -> Any:
        """The whole definition."""
        return self.source.data

    @property
    def start(self) -> str:
        """The name of the first state."""
        return str(self.data["StartAt"])

    @property
    def states(self) -> Mapping[str, Mapping[str, Any]]:
        """The states by name."""
        states: Mapping[str, Mapping[str, Any]] = self.data["States"]
        return states

    def successors(self, name: str) -> Iterator[tuple[str, str | None]]:
        """Return the states that can follow, each with the reason: a condition, an error, ``otherwise``, or None."""
        state = self.states[name]
        for rule in _list(state.get("Choices")):
            if isinstance(rule, Mapping) and isinstance(rule.get("Next"), str):
                yield rule["Next"], describe_rule(rule)
        if isinstance(state.get("Default"), str):
            yield state["Default"], "otherwise"
        if isinstance(state.get("Next"), str):
            yield state["Next"], None
        for catcher in _list(state.get("Catch")):
            if isinstance(catcher, Mapping) and isinstance(catcher.get("Next"), str):
                yield catcher["Next"], "error " + ", ".join(map(str, _list(catcher.get("ErrorEquals"))))

    def reachable(self) -> set[str]:
        """Return the names of the states that can be reached from the first one."""
        found, todo = set[str](), [self.start]
        while todo:
            name = todo.pop()
            if name not in found and isinstance(self.states.get(name), Mapping):
                found.add(name)
                todo += [target for target, _ in self.successors(name)]
        return found


def provider_of(state: Mapping[str, Any]) -> tuple[str, str | None]:
    """Return what an Action state calls (a URL, URN, or id), and the scope that it names."""
    handler = state.get("Handler")
    if isinstance(handler, str):
        return handler, None
    if isinstance(handler, Mapping):
        return str(handler.get("Url") or handler.get("Id")), handler.get("Scope")
    return str(state.get("ActionUrl")), state.get("ActionScope")


def describe_rule(rule: Mapping[str, Any]) -> str:
    """Return a short form of a Choice rule's condition."""
    for name, word in (("And", " and "), ("Or", " or ")):
        if isinstance(rule.get(name), list):
            parts = [describe_rule(part) for part in rule[name] if isinstance(part, Mapping)]
            return word.join(f"({part})" if " and " in part or " or " in part else part for part in parts)
    if isinstance(rule.get("Not"), Mapping):
        return f"not ({describe_rule(rule['Not'])})"
    variable = str(rule.get("Variable", "")).removeprefix("$.")
    for name, value in rule.items():
        if name not in ("Variable", "Next", "Comment"):
            return f"{variable} {_operator(name, value)}"
    return variable


_SIGNS = {
    "GreaterThanEquals": "≥",
    "LessThanEquals": "≤",
    "GreaterThan": ">",
    "LessThan": "<",
    "Equals": "=",
    "Matches": "matches",
}


def _operator(name: str, value: Any) -> str:
    if name.startswith("Is"):
        return f"is {'' if value else 'not '}{name.removeprefix('Is').lower()}"
    base = name.removesuffix("Path")
    sign = next((sign for ending, sign in _SIGNS.items() if base.endswith(ending)), base)
    shown = str(value).removeprefix("$.") if base != name else f'"{value}"' if isinstance(value, str) else str(value)
    return f"{sign} {shown.lower() if isinstance(value, bool) else shown}"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
