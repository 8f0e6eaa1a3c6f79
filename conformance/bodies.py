"""Bodies made out of the given one: other ones that are valid as well, and ones that the input schema forbids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.documents import compile_schema

_OF_OTHER_TYPES: tuple[Any, ...] = ({"not": "this"}, ["not this"], "not this", -1.5, True, None)


def invalid_bodies(schema: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Bodies that the schema forbids, one of a kind, by what is wrong with them. None, where it allows everything.

    :raises ValueError: the schema is none.
    """
    validator = compile_schema(schema)
    found: dict[str, dict[str, Any]] = {}
    for fault, candidate in _damaged(body):
        if fault not in found and not validator.is_valid(candidate):
            found[fault] = candidate
    return found


def _damaged(body: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in body:
        yield "without something that is required", {key: value for key, value in body.items() if key != name}
    yield "without something that is required", {}
    for name in body:
        for value in _OF_OTHER_TYPES:
            yield "with a value of a wrong type", {**body, name: value}
    yield "with a property that is not allowed", {**body, "no-such-property-of-this-provider": 1}


def other_valid_body(schema: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any] | None:
    """Another body that the schema allows, or None where none was found.

    :raises ValueError: the schema is none.
    """
    validator = compile_schema(schema)
    return next((candidate for candidate in _changed(body) if validator.is_valid(candidate)), None)


def _changed(body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name, value in body.items():
        if isinstance(value, bool):
            yield {**body, name: not value}
        elif isinstance(value, int | float):
            yield from (
                {**body, name: other} for other in (value + 1, value - 1, value * 2, value / 2) if other != value
            )
        elif isinstance(value, str):
            yield from ({**body, name: other} for other in (value + "x", value[:-1]) if other != value)
    for name in body:
        yield {key: value for key, value in body.items() if key != name}
    yield {**body, "another": 1}
