"""JSONPath in flows: compile a path within limits, read its value, and write a result to its place."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jsonpath import JSONPathEnvironment, JSONPathError
from jsonpath.path import JSONPath
from jsonpath.segments import JSONPathRecursiveDescentSegment
from jsonpath.selectors import IndexSelector, NameSelector, SliceSelector, WildcardSelector

from .errors import PathError

LONGEST_PATH = 1000
DEEPEST = 50
CONTEXT = "_context"

_ENVIRONMENT = JSONPathEnvironment()
_ALLOWED = (NameSelector, IndexSelector, SliceSelector, WildcardSelector)


@dataclass(frozen=True)
class Path:
    """A JSONPath that starts at the state of the run."""

    text: str
    compiled: JSONPath

    @property
    def is_definite(self) -> bool:
        """Whether it names a single place; any other path returns a list of all matches."""
        return self.compiled.singular_query()

    @property
    def keys(self) -> list[str | int]:
        """The keys and indexes of a definite path."""
        selectors = [segment.selectors[0] for segment in self.compiled.segments]
        return [each.name if isinstance(each, NameSelector) else each.index for each in selectors]  # type: ignore[attr-defined] # the only other kind is IndexSelector

    def find(self, data: Any) -> Any:
        """Return the value in `data`, or a list of values if the path is not definite.

        :raises LookupError: a definite path names nothing.
        """
        found = [match.obj for match in self.compiled.finditer(data)] if isinstance(data, (dict, list)) else []
        if not isinstance(data, (dict, list)) and not self.compiled.segments:
            return data
        if not self.is_definite:
            return found
        if not found:
            raise LookupError(self.text)
        return found[0]


@functools.lru_cache(maxsize=4096)
def compile_path(text: str) -> Path:
    """Compile a path.

    :raises PathError: it is not a JSONPath, does not start with ``$``, or could take too long.
    """
    if not text.startswith("$"):
        raise PathError(f"{_quoted(text)} is not a JSONPath: it must start with '$'.")
    if len(text) > LONGEST_PATH:
        raise PathError(f"{_quoted(text)} is longer than {LONGEST_PATH:,} characters.")
    try:
        compiled = _ENVIRONMENT.compile("$" if text == "$." else text)  # some published flows have "$."
    except (JSONPathError, RecursionError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise PathError(f"{_quoted(text)} is not a JSONPath: {reason}.") from error
    if not isinstance(compiled, JSONPath):
        raise PathError(f"{_quoted(text)} combines several paths.")
    _check_size(text, compiled)
    return Path(text, compiled)


def compile_result_path(text: str) -> Path:
    """Compile a ResultPath, which names exactly one place, outside of ``$._context``.

    :raises PathError: it does not.
    """
    path = compile_path(text)
    if not path.is_definite:
        raise PathError(f"{_quoted(text)} must name exactly one place: no '*', '..', or slices.")
    if path.keys[:1] == [CONTEXT]:
        raise PathError(f"{_quoted(text)} is read-only.")
    return path


def put(data: Any, path: Path, value: Any) -> Any:
    """Return `data` with `value` where `path` points. `data` itself is unchanged; missing parents are created.

    An index may also point to the place after the last item of a list.

    :raises LookupError: the path leads through something that is not an object or list, or beyond the end of a list.
    """
    return _put(data, path.keys, value)


def _put(data: Any, keys: list[str | int], value: Any) -> Any:
    if not keys:
        return value
    key, rest = keys[0], keys[1:]
    if isinstance(key, int):
        items = [] if data is None else data
        if not isinstance(items, list) or not -len(items) <= key <= len(items):
            raise LookupError(f"there is no item [{key}]")
        changed = [*items, None] if key == len(items) else list(items)
        changed[key] = _put(changed[key], rest, value)
        return changed
    if data is not None and not isinstance(data, Mapping):
        raise LookupError(f"the parent of {key!r} is not an object")
    before = {} if data is None else dict(data)
    return {**before, key: _put(before.get(key), rest, value)}


def _check_size(text: str, compiled: JSONPath) -> None:
    if len(compiled.segments) > DEEPEST:
        raise PathError(f"{_quoted(text)} has more than {DEEPEST} steps.")
    descents = [each for each in compiled.segments if isinstance(each, JSONPathRecursiveDescentSegment)]
    for segment in compiled.segments:
        for selector in segment.selectors:
            if not isinstance(selector, _ALLOWED):
                raise PathError(f"{_quoted(text)} has a filter; only names, indexes, slices, and '*' are available.")
        if len(segment.selectors) != 1:  # a few of these in a row make billions of values
            raise PathError(f"{_quoted(text)} has several names, indexes, or slices in one pair of brackets.")
    if len(descents) > 1:
        raise PathError(f"{_quoted(text)} has '..' more than once.")


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:79]}…")
