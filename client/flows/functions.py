"""The functions, methods, and operators of expressions, each with a limit on the size of its result."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import simpleeval

from .errors import ExpressionError

LARGEST_VALUE = 200_000
"""Characters or items. The service refuses a state larger than 200 KB."""
DEEPEST = 100
LARGEST_BITS = 4096
"""How large a whole number may be."""

METHODS: Mapping[type, frozenset[str]] = {
    str: frozenset(
        """capitalize casefold count endswith find index isalnum isalpha isdigit islower isnumeric isspace isupper join
        lower lstrip partition removeprefix removesuffix replace rfind rindex rpartition rsplit rstrip split
        splitlines startswith strip swapcase title upper""".split()  # noqa: SIM905 # easier to read than 33 strings
    ),
    list: frozenset(["count", "index"]),
    dict: frozenset(["get", "items", "keys", "values"]),
}
"""The methods that can be called on a value: none that changes it or makes something much larger."""


class Lookup(Protocol):
    """The state of the run, for ``is_present`` and ``getattr``."""

    def find_dotted(self, path: Any) -> Any: ...


def limit(size: int) -> None:
    """Raise ExpressionError if a value would have more characters or items than allowed."""
    if size > LARGEST_VALUE:
        raise ExpressionError(f"A value is larger than {LARGEST_VALUE:,} characters or items.")


def tree_size(value: Any) -> int:
    """Return how many characters and items a value has in all. Repeated parts count each time.

    :raises ExpressionError: it has more than allowed, or is nested too deeply.
    """
    size, todo = 0, [(value, 0)]
    while todo:
        each, depth = todo.pop()
        size += 1 + (len(each) if isinstance(each, str) else 0)
        if isinstance(each, (dict, list, tuple)):
            if depth >= DEEPEST:
                raise ExpressionError(f"A value is nested deeper than {DEEPEST} levels.")
            todo += [(item, depth + 1) for item in (each.values() if isinstance(each, dict) else each)]
        limit(size + len(todo))
    return size


def depth(value: Any) -> int:
    """Return how many levels of objects and lists a value has."""
    levels, todo = 0, [value]
    while todo := [
        item
        for each in todo
        if isinstance(each, (dict, list))
        for item in (each.values() if isinstance(each, dict) else each)
    ]:
        levels += 1
    return levels


def pathsplit(path: Any) -> list[str]:
    """Return ``[head, last]`` of a path, like Python's ``os.path.split``, except that ``/~/`` is never split."""
    if not isinstance(path, str):
        raise ExpressionError("pathsplit takes a string.")
    head, slash, last = path.rpartition("/")
    is_root = not head.strip("/") or head == "/~"
    return [head + slash if is_root else head, last]


def _is_present(state: Lookup, path: Any) -> bool:
    try:
        state.find_dotted(path)
    except LookupError:
        return False
    return True


def _getattr(state: Lookup, path: Any, default: Any = None) -> Any:
    try:
        return state.find_dotted(path)
    except LookupError:
        return default


def as_text(value: Any) -> str:
    """Return ``str(value)``, after checking that it is not huge."""
    tree_size(value)
    return str(value)


def _int(_state: Lookup, value: Any = 0) -> int:
    if isinstance(value, str) and len(value) > 1000:
        raise ExpressionError("A number is too large.")
    return int(_small(int(value)))


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "float": lambda _state, value=0.0: float(value),
    "getattr": _getattr,
    "int": _int,
    "is_present": _is_present,
    "len": lambda _state, value: len(value),
    "pathsplit": lambda _state, path: pathsplit(path),
    "str": lambda _state, value="": as_text(value),
}
"""Those that the service documents (getattr, is_present, pathsplit), those that public flows use (len, str), and
int and float."""


def _size(value: Any) -> int | None:
    return len(value) if isinstance(value, (str, list, tuple, dict)) else None


def _small(value: Any) -> Any:
    if isinstance(value, int) and value.bit_length() > LARGEST_BITS:
        raise ExpressionError("A number is too large.")
    return value


def _add(left: Any, right: Any) -> Any:
    limit((_size(left) or 0) + (_size(right) or 0))
    return _small(left + right)


def _multiply(left: Any, right: Any) -> Any:
    for value, times in ((left, right), (right, left)):
        size = _size(value)
        if size is not None and isinstance(times, int):
            limit(size * times)
    if isinstance(left, int) and isinstance(right, int) and left.bit_length() + right.bit_length() > LARGEST_BITS:
        raise ExpressionError("A number is too large.")
    return left * right


def _power(base: Any, exponent: Any) -> Any:
    if isinstance(base, int) and isinstance(exponent, int) and base.bit_length() * abs(exponent) > LARGEST_BITS:
        raise ExpressionError("A number is too large.")
    result = base**exponent
    if isinstance(result, complex):
        raise ExpressionError("The power of a negative number is not a real number.")
    return result


def _modulo(left: Any, right: Any) -> Any:
    if isinstance(left, str):
        if re.search(r"%[^sd%]|%$", left):
            raise ExpressionError("Only %s, %d, and %% are available in formats.")
        limit(len(left) + tree_size(right) * 4)
    return left % right


def _shift(shift: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def limited(left: Any, right: Any) -> Any:
        if isinstance(right, int) and right > LARGEST_BITS:
            raise ExpressionError("A number is too large.")
        return _small(shift(left, right))

    return limited


def _is(left: Any, right: Any) -> bool:
    return left is right or (type(left) is type(right) and left == right)


OPERATORS: Mapping[type, Callable[..., Any]] = {
    **simpleeval.DEFAULT_OPERATORS,
    ast.Add: _add,
    ast.Mult: _multiply,
    ast.Pow: _power,
    ast.Mod: _modulo,
    ast.LShift: _shift(operator.lshift),
    ast.RShift: _shift(operator.rshift),
    ast.Is: _is,
    ast.IsNot: lambda left, right: not _is(left, right),
}
