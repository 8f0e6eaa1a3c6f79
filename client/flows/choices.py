"""Decide whether a rule of a Choice state matches."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from .scope import Scope

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "GreaterThanEquals": operator.ge,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "LessThan": operator.lt,
    "Equals": operator.eq,
}


def matches(rule: Mapping[str, Any], scope: Scope) -> bool:
    """Return whether a rule matches the state of the run.

    :raises FlowError: a path in the rule does not exist; only ``IsPresent`` allows that.
    """
    if "And" in rule:
        return all(matches(part, scope) for part in rule["And"])
    if "Or" in rule:
        return any(matches(part, scope) for part in rule["Or"])
    if "Not" in rule:
        return not matches(rule["Not"], scope)
    name, wanted = next((name, value) for name, value in rule.items() if name not in ("Variable", "Next", "Comment"))
    if name == "IsPresent":
        return scope.has(rule["Variable"]) is wanted
    value = scope.find(rule["Variable"], "Variable")
    if name.startswith("Is"):
        return _TESTS[name](value) is wanted
    if name.endswith("Path"):
        wanted, name = scope.find(wanted, name), name.removesuffix("Path")
    return _compare(name, value, wanted)


def _compare(name: str, value: Any, wanted: Any) -> bool:
    """Values of another type than the operator's never match."""
    if name == "StringMatches":
        return isinstance(value, str) and isinstance(wanted, str) and matches_pattern(value, wanted)
    kind, compare = next(
        (name.removesuffix(ending), compare) for ending, compare in _COMPARE.items() if name.endswith(ending)
    )
    left, right = _READ[kind](value), _READ[kind](wanted)
    return left is not None and right is not None and compare(left, right)


def _number(value: Any) -> Any:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def read_timestamp(value: Any) -> datetime | None:
    """Return the time in an RFC 3339 text; None if it is not a time or has no offset."""
    try:
        found = datetime.fromisoformat(value)
        return found if found.tzinfo and len(value) > 10 and value[10] in "Tt " else None
    except (TypeError, ValueError):
        return None


_READ: Mapping[str, Callable[[Any], Any]] = {
    "Boolean": lambda value: value if isinstance(value, bool) else None,
    "Numeric": _number,
    "String": lambda value: value if isinstance(value, str) else None,
    "Timestamp": read_timestamp,
}
_TESTS: Mapping[str, Callable[[Any], bool]] = {
    "IsBoolean": lambda value: isinstance(value, bool),
    "IsNull": lambda value: value is None,
    "IsNumeric": lambda value: _number(value) is not None,
    "IsString": lambda value: isinstance(value, str),
    "IsTimestamp": lambda value: read_timestamp(value) is not None,
}


def matches_pattern(text: str, pattern: str) -> bool:
    """Return whether a text matches a pattern. ``*`` means any characters, and ``\\*`` a star."""
    escaped = pattern.replace("\\\\", "\0").replace("\\*", "\1")
    first, *others = (part.replace("\1", "*").replace("\0", "\\") for part in escaped.split("*"))
    if not others:
        return text == first
    if not text.startswith(first) or not text.endswith(others[-1]):
        return False
    position = len(first)
    for part in others[:-1]:
        found = text.find(part, position)
        if found < 0:
            return False
        position = found + len(part)
    return position <= len(text) - len(others[-1])
