"""Read a definition or input from JSON or YAML, and remember the line of each part."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from .errors import DefinitionError, Finding

LARGEST_BYTES = 1_000_000
MOST_VALUES = 50_000
"""How many values a definition may have, after expanding YAML aliases."""
DEEPEST = 100

_MERGE = "tag:yaml.org,2002:merge"

Position = tuple[str | int, ...]


@dataclass(frozen=True)
class Source:
    """A document, and the line (from 1) of each part, by the keys and indexes that lead to it."""

    data: Any
    lines: Mapping[Position, int] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    def line(self, position: Position) -> int | None:
        """Return the line of a part, or of the nearest enclosing part."""
        for length in range(len(position), -1, -1):
            if position[:length] in self.lines:
                return self.lines[position[:length]]
        return None


def read_file(path: Path) -> Source:
    """Read a file.

    :raises DefinitionError: it is too large, not UTF-8, or neither JSON nor YAML.
    :raises OSError: it cannot be read.
    """
    with path.open("rb") as file:
        content = file.read(LARGEST_BYTES + 1)
    if len(content) > LARGEST_BYTES:
        raise _wrong(f"The file is larger than {LARGEST_BYTES:,} bytes.")
    try:
        return read_text(content.decode("utf-8-sig"), only_json=path.suffix.casefold() == ".json")
    except UnicodeDecodeError as error:
        raise _wrong("The file is not text in UTF-8.") from error


def read_text(text: str, *, only_json: bool = False) -> Source:
    """Parse JSON or YAML text.

    :raises DefinitionError: it is neither JSON nor YAML, or too large.
    """
    try:
        if only_json or text.lstrip().startswith(("{", "[")):
            return _read_json(text, only_json=only_json)
        return _read_yaml(text)
    except RecursionError as error:
        raise _wrong(f"It is nested deeper than {DEEPEST} levels.") from error


def from_data(data: Any) -> Source:
    """Return a document that is already in memory.

    :raises DefinitionError: it is nested too deeply, has too many values, or does not consist of JSON values.
    """
    budget = _Budget()
    try:
        return Source(_copy(data, budget, 0))
    except (RecursionError, TypeError) as error:
        raise _wrong(f"The definition does not consist of JSON values: {error}") from error


def _read_json(text: str, *, only_json: bool) -> Source:
    try:
        data = json.loads(text, parse_constant=_refuse_constant)
    except ValueError as error:
        wrong = _wrong(f"It is not JSON: {getattr(error, 'msg', error)}.", getattr(error, "lineno", None))
        if only_json:
            raise wrong from error
        try:
            return _read_yaml(text)
        except DefinitionError:
            raise wrong from error
    checked = from_data(data)
    try:
        # nearly all JSON is YAML, and the YAML parser knows lines and duplicate keys
        located = _Reader(text.replace("\t", " "), _FastLoader).read()  # a JSON string never contains a raw tab
    except (DefinitionError, yaml.YAMLError):
        return checked
    return Source(checked.data, located.lines, located.findings)


def _read_yaml(text: str) -> Source:
    try:
        return _Reader(text).read()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise _wrong(f"It is not YAML: {problem}.", mark.line + 1 if mark else None) from error


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON value")


class _Budget:
    """Counts values, so that a small text cannot become a huge document."""

    def __init__(self) -> None:
        self.left = MOST_VALUES

    def spend(self, depth: int) -> None:
        self.left -= 1
        if self.left < 0:
            raise _wrong(f"It has more than {MOST_VALUES:,} values.")
        if depth > DEEPEST:
            raise _wrong(f"It is nested deeper than {DEEPEST} levels.")


def _copy(value: Any, budget: _Budget, depth: int) -> Any:
    budget.spend(depth)
    if isinstance(value, Mapping):
        if any(not isinstance(key, str) for key in value):
            raise TypeError("a key is not a string")
        return {key: _copy(item, budget, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_copy(item, budget, depth + 1) for item in value]
    if value is not None and not isinstance(value, (str, int, float, bool)):
        raise TypeError(f"a value is of type {type(value).__name__}")
    return value


class _Loader(yaml.SafeLoader):
    """YAML with the types of JSON: a date stays a string."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


_FastLoader: Any = getattr(yaml, "CSafeLoader", _Loader)
"""Ten times as fast, if available. It may crash on deep nesting, so it is used only for JSON, which was checked."""


class _Reader:
    """Converts the nodes of a YAML document to values and lines."""

    def __init__(self, text: str, loader: Any = _Loader) -> None:
        self._loader = loader(text)
        self._lines: dict[Position, int] = {}
        self._findings: list[Finding] = []
        self._budget = _Budget()

    def read(self) -> Source:
        try:
            node = self._loader.get_single_node()
            data = None if node is None else self._value(node, (), 0)
        finally:
            self._loader.dispose()
        return Source(data, self._lines, tuple(self._findings))

    def _value(self, node: yaml.Node, position: Position, depth: int) -> Any:
        self._budget.spend(depth)
        self._lines.setdefault(position, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, position, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*position, index), depth + 1) for index, item in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, position: Position, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if key_node.tag == _MERGE:
                merged |= self._merged(value_node, position, depth)
                continue
            key = self._scalar(key_node) if isinstance(key_node, yaml.ScalarNode) else None
            if not isinstance(key, str):
                raise _wrong("A key is not a string; write it in quotes.", line)
            if key in found:
                self._findings.append(Finding(f"{key!r} appears twice; the last one counts.", line=line))
            self._lines[(*position, key)] = line
            found[key] = self._value(value_node, (*position, key), depth + 1)
        return {**merged, **found}

    def _merged(self, node: yaml.Node, position: Position, depth: int) -> dict[str, Any]:
        """Return the mappings that ``<<`` merges into another one. Earlier ones take precedence."""
        value = self._value(node, (*position, "<<"), depth + 1)
        merged: dict[str, Any] = {}
        for part in reversed(value if isinstance(value, list) else [value]):
            if not isinstance(part, dict):
                raise _wrong("'<<' merges mappings only.", node.start_mark.line + 1)
            merged |= part
        return merged

    def _scalar(self, node: yaml.Node) -> Any:
        try:
            value = self._loader.construct_object(node)
        except (ValueError, TypeError) as error:
            raise _wrong(f"{str(node.value)[:80]!r} cannot be read: {error}", node.start_mark.line + 1) from error
        if value is not None and not isinstance(value, (str, int, float, bool)):
            raise _wrong(f"A value is of type {type(value).__name__}.", node.start_mark.line + 1)
        return value


def _wrong(text: str, line: int | None = None) -> DefinitionError:
    return DefinitionError([Finding(text, line=line)])
