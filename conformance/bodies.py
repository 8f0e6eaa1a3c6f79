"""Bodies made from the given one: other valid ones, and some that the input schema forbids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs

from conformance.documents import compile_schema

_VALUES_OF_OTHER_TYPES: tuple[Any, ...] = ({"not": "this"}, ["not this"], "not this", -1.5, True, None)
_UNKNOWN = "no-such-property-of-this-provider"
_Kind = jsonschema_rs.ValidationErrorKind

FORBIDDEN = "that the input_schema forbids"
MISSING = "without a required property"
WRONG_TYPE = "with a value of the wrong type"
UNKNOWN_PROPERTY = "with a property that is not allowed"


def invalid_bodies(schema: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return bodies that the schema forbids, one per kind of fault, by a description of the fault.

    The result is empty if the schema allows everything. It is also empty if the schema forbids `body` itself, because
    the same fault could be why it forbids the variants.

    :raises ValueError: the schema cannot be used.
    """
    validator = compile_schema(schema)
    if not validator.is_valid(dict(body)):
        return {}
    found: dict[str, dict[str, Any]] = {}
    for candidate in _damaged(body):
        errors = list(validator.iter_errors(candidate))
        if errors:
            found.setdefault(_fault(errors), candidate)
    return found


def _fault(errors: list[jsonschema_rs.ValidationError]) -> str:
    """Describe what the schema reports, which may differ from the intended fault."""
    kinds = {_kind(error) for error in errors}
    return kinds.pop() if len(kinds) == 1 else FORBIDDEN


def _kind(error: jsonschema_rs.ValidationError) -> str:
    if isinstance(error.kind, _Kind.Required):
        return MISSING
    if isinstance(error.kind, _Kind.Type):
        return WRONG_TYPE if list(error.instance_path)[:1] != [_UNKNOWN] else FORBIDDEN
    if isinstance(error.kind, _Kind.AdditionalProperties | _Kind.UnevaluatedProperties):
        return UNKNOWN_PROPERTY
    return FORBIDDEN


def _damaged(body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name in body:
        yield {key: value for key, value in body.items() if key != name}
    yield {}
    for name in body:
        for value in _VALUES_OF_OTHER_TYPES:
            yield {**body, name: value}
    yield {**body, _UNKNOWN: 1}


def other_valid_bodies(schema: Mapping[str, Any], body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield bodies that differ from this one and that the schema allows.

    :raises ValueError: the schema cannot be used.
    """
    validator = compile_schema(schema)
    yield from (candidate for candidate in _changed(body) if validator.is_valid(candidate))


def _changed(body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name, value in body.items():
        if isinstance(value, bool):
            yield {**body, name: not value}
        elif isinstance(value, int | float):
            numbers = (value + 1, value - 1, value * 2, value / 2)
            yield from ({**body, name: other} for other in numbers if other != value)
        elif isinstance(value, str):
            yield from ({**body, name: other} for other in (value + "x", value[:-1]) if other != value)
    for name in body:
        yield {key: value for key, value in body.items() if key != name}
    yield {**body, "another": 1}
