"""Read a request body given on the command line: JSON or YAML, as an argument, in a file, or on stdin."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml

from .console import shorten

MOST_VALUES = 100_000


class BodyError(ValueError):
    """Raised when the given text is not a body; the message says what would be."""


class _Loader(yaml.SafeLoader):
    """A YAML loader for what JSON can express: dates stay text, and `<<` cannot multiply fields endlessly."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        super().flatten_mapping(node)
        if len(node.value) > MOST_VALUES:
            raise _TooLarge


class _TooLarge(ValueError):
    """Raised when aliases (`*name`) expand a few lines into a huge body."""

    def __init__(self) -> None:
        super().__init__(f"it expands to more than {MOST_VALUES:,} values")


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_body(given: str) -> dict[str, Any]:
    """Return the object that `given` contains or names.

    :param given: JSON or YAML, a file's name with or without an @ in front, or - for stdin.
    :raises BodyError: it is not an object, or the file does not exist.
    """
    source, text = _text(given)
    if not text.strip():
        raise BodyError(f"{source} is empty.")
    try:
        body = _parse(text)
        json.dumps(body, allow_nan=False)
    except RecursionError as error:
        raise BodyError(f"{source} is nested too deeply.") from error
    except (ValueError, TypeError, yaml.YAMLError) as error:
        raise BodyError(f"{source} is neither JSON nor YAML: {_first_line(error)}") from error
    if isinstance(body, str) and source == "the body":
        raise BodyError(
            f'there is no file {shorten(body, 80)}, and it is not a JSON object such as {{"name": "value"}}.'
        )
    if not isinstance(body, dict):
        raise BodyError(
            f'{source} is not a JSON object such as {{"name": "value"}}, nor the name of a file that contains one.'
        )
    return body


def _text(given: str) -> tuple[str, str]:
    """Return a name for the source, and its text."""
    if given == "-":
        return "stdin", _decode(sys.stdin.buffer.read(), "stdin")
    if not given.strip():
        raise BodyError("it is empty.")
    name = given.removeprefix("@")
    if given.lstrip().startswith("{"):
        return "the body", given
    try:
        return f"the file {name}", _decode(Path(name).read_bytes(), f"the file {name}")
    except (OSError, ValueError) as error:
        if isinstance(error, BodyError):
            raise
        if given.startswith("@") or isinstance(error, (IsADirectoryError, PermissionError)):
            strerror = getattr(error, "strerror", None) or "it is not a valid file name"
            raise BodyError(f"the file {name} cannot be read: {strerror}.") from error
    return "the body", given


def _decode(content: bytes, source: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BodyError(f"{source} is not text in UTF-8.") from error


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        if text.lstrip().startswith("{") and "'" not in text and ": " not in text:
            raise  # meant as JSON: its message helps more than that of YAML
        body = yaml.load(text, _Loader)  # noqa: S506 # safe: it extends SafeLoader
        _count(body)
        return body


def _count(body: Any) -> None:
    """Raise _TooLarge if there are more than MOST_VALUES values, which YAML's aliases can make from a few lines."""
    count, left = 0, [body]
    while left:
        value = left.pop()
        count += 1
        if count > MOST_VALUES:
            raise _TooLarge
        if isinstance(value, (dict, list)):
            left.extend(value.values() if isinstance(value, dict) else value)


def _first_line(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}."
    return f"{str(error).splitlines()[0]}."
