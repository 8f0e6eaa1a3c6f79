"""Reading a body, and describing what is wrong with it."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest

from client.body import BodyError, read_body
from client.schema import MOST_FIELDS, example, fields, problems

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "text": {"type": "string", "description": "What to say.", "minLength": 1, "examples": ["hello"]},
        "times": {"type": "integer", "minimum": 1, "maximum": 9, "default": 1},
        "mode": {"enum": ["loud", "low"]},
        "to": {"$ref": "#/$defs/person"},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["text", "to"],
    "additionalProperties": False,
    "$defs": {"person": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}},
}


@pytest.mark.parametrize(
    ("given", "body"),
    [
        ('{"a": 1}', {"a": 1}),
        (" {'a': 1}", {"a": 1}),
        ("a: 1\nb: [x, y]", {"a": 1, "b": ["x", "y"]}),
        ("day: 2026-03-14", {"day": "2026-03-14"}),
    ],
)
def test_json_and_yaml_are_read(given: str, body: Any) -> None:
    assert read_body(given) == body


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("body.json", "there is no file body.json, and it is not a JSON object such as"),
        ("", "it is empty"),
        ("[1]", "the body is not a JSON object"),
        ('{"a": NaN}', "the body is neither JSON nor YAML"),
        ('{"a":1', "the body is neither JSON nor YAML: Expecting ',' delimiter: line 1 column 7"),
        ("a: [1", "the body is neither JSON nor YAML: line 1, column 6"),
        ("a: !!binary aGk=", "the body is neither JSON nor YAML"),
        ("@", "the file  cannot be read"),
        ("/tmp", "the file /tmp cannot be read: Is a directory"),
        ("{" * 100_000, "the body is n"),
        ("a" * 100_000, "there is no file aaaa"),
        ("a\0b", "the body is n"),
    ],
    ids=lambda text: text[:12],
)  # fmt: skip
def test_what_is_not_a_body_is_refused_with_a_reason(given: str, said: str) -> None:
    with pytest.raises(BodyError) as refused:
        read_body(given)
    assert str(refused.value).startswith(said)
    assert len(str(refused.value)) < 300


def levels(of: str) -> str:
    """Return YAML in which each line refers nine times to the line before it."""
    first = "l0: &l0 {a: 1}" if "<<" in of else "l0: &l0 [a]"
    return "\n".join([first, *(of.format(n=n, before=", ".join([f"*l{n - 1}"] * 9)) for n in range(1, 12))])


@pytest.mark.parametrize(
    "bomb",
    [levels("l{n}: &l{n} [{before}]"), "a: &a [*a]", "a: &a {b: *a}"],
    ids=["lists", "itself in a list", "itself in an object"],
)
def test_yaml_that_expands_without_end_is_refused(bomb: str) -> None:
    with pytest.raises(BodyError, match="expands to more than 100,000 values"):
        read_body(bomb)


def test_yaml_merges_do_not_multiply() -> None:
    with contextlib.suppress(BodyError):  # older releases of PyYAML would multiply them: those are refused
        assert read_body(levels("l{n}: &l{n} {{<<: [{before}]}}"))["l11"] == {"a": 1}


def test_aliases_in_yaml_are_read() -> None:
    assert read_body("a: &a {x: 1}\nb: *a\nc: {<<: *a, y: 2}") == {"a": {"x": 1}, "b": {"x": 1}, "c": {"x": 1, "y": 2}}


def test_a_file_must_be_text(tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(b"\xff\xfe{")
    with pytest.raises(BodyError, match="is not text in UTF-8"):
        read_body(str(tmp_path / "body"))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"text": "x", "to": {"name": "y"}}, []),
        ({}, ["text: is missing", "to: is missing"]),
        ({"text": "x", "to": {}}, ["to.name: is missing"]),
        ({"text": "x", "to": {"name": 1}}, ["to.name: 1 is not of type 'string'"]),
        ({"text": "x", "to": {"name": "y"}, "tags": ["a", 2]}, ["tags.1: 2 is not of type 'string'"]),
        ({"text": "x", "to": {"name": "y"}, "x": 2}, ["x: unknown field; the fields are text, times, mode, to, tags"]),
        ({"text": "x", "to": {"name": "y"}, "times": 10, "mode": "mad"},
         ["mode: 'mad' is not one of ['loud', 'low']", "times: 10 is greater than the maximum of 9"]),
    ],
    ids=str,
)  # fmt: skip
def test_each_problem_names_its_field(body: Any, said: list[str]) -> None:
    assert problems(SCHEMA, body) == said


def test_fields_are_described() -> None:
    described = {field.name: (field.type, field.limits, field.required) for field in fields(SCHEMA)}
    assert described == {
        "text": ("text", "1 or more characters", True),
        "times": ("whole number", "at least 1, at most 9, by default 1", False),
        "mode": ("one of", '"loud", "low"', False),
        "to.name": ("text", "", True),
        "tags": ("list of text", "", False),
    }


def test_an_example_is_shown_only_if_it_is_valid() -> None:
    assert example(SCHEMA) is None
    assert example({**SCHEMA, "required": ["text"]}) == {"text": "hello"}
    assert example({**SCHEMA, "examples": [{"text": "whole"}]}) == {"text": "whole"}


def test_a_schema_whose_definitions_refer_to_each_other_is_described_in_limits() -> None:
    many = {f"f{number}": {"$ref": "#/$defs/a"} for number in range(100)}
    last: dict[str, Any] = {"properties": {}}
    for inner in ({"properties": many}, last):
        schema = {"properties": many, "$defs": {"a": {"properties": {"g": inner, **many}}}}
        assert 0 < len(fields(schema)) <= MOST_FIELDS
    assert len(fields({"properties": {str(number): {} for number in range(1000)}})) == MOST_FIELDS


def test_lists_in_lists_have_a_type_in_words() -> None:
    nested: dict[str, Any] = {"type": "string"}
    for _ in range(5000):
        nested = {"type": "array", "items": nested}
    (field,) = fields({"properties": {"a": nested}})
    assert field.type.startswith("list of list of ")
    assert field.type.endswith("list")
