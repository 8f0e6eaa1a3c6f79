"""Made-up bodies: invalid ones, with the schema's reasons, and valid ones."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.bodies import FORBIDDEN, MISSING, UNKNOWN_PROPERTY, WRONG_TYPE, invalid_bodies, other_valid_bodies

TEXT = {"type": "object", "properties": {"text": {"type": "string"}}}


def test_each_kind_of_fault_is_found_once() -> None:
    schema = {**TEXT, "required": ["text"], "additionalProperties": False}
    found = invalid_bodies(schema, {"text": "hello"})
    assert set(found) == {MISSING, WRONG_TYPE, UNKNOWN_PROPERTY}
    assert found[MISSING] == {}


@pytest.mark.parametrize(
    "schema",
    [
        {**TEXT, "additionalProperties": {"type": "string"}},
        {**TEXT, "patternProperties": {"^no": {"type": "string"}}},
        {**TEXT, "maxProperties": 1},
    ],
    ids=["of another type", "by a pattern", "one too many"],
)
def test_a_property_that_is_allowed_is_not_called_forbidden(schema: dict[str, Any]) -> None:
    found = invalid_bodies(schema, {"text": "hello"})
    assert UNKNOWN_PROPERTY not in found
    assert set(found[FORBIDDEN]) == {"text", "no-such-property-of-this-provider"}


def test_a_property_that_can_be_left_out_is_not_called_required() -> None:
    assert set(invalid_bodies({**TEXT, "minProperties": 1}, {"text": "hello"})) == {FORBIDDEN, WRONG_TYPE}


def test_a_schema_that_forbids_the_given_body_yields_no_faults() -> None:
    assert invalid_bodies({**TEXT, "additionalProperties": False}, {"text": "hello", "more": 1}) == {}


def test_other_bodies_are_valid() -> None:
    schema = {"type": "object", "properties": {"n": {"multipleOf": 2, "maximum": 4}}, "required": ["n"]}
    assert list(other_valid_bodies({**schema, "additionalProperties": False}, {"n": 4})) == [{"n": 2.0}]
