"""Describe the fields of a provider's input schema."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .schema_check import SchemaError, problems

__all__ = [
    "DEEPEST",
    "MOST_FIELDS",
    "Field",
    "SchemaError",
    "example",
    "fields",
    "problems",
    "properties",
    "read_schema",
]

LARGEST_CHARACTERS = 1_000_000

DEEPEST = 5
"""How many levels of nested objects are described, because a schema may refer to itself."""

MOST_FIELDS = 200
"""How many fields are described: definitions that refer to each other could make millions."""


@dataclass(frozen=True)
class Field:
    """One field of the input; `path` holds the names that lead to it."""

    path: tuple[str, ...]
    schema: Mapping[str, Any]
    required: bool

    @property
    def name(self) -> str:
        return ".".join(self.path)

    @property
    def type(self) -> str:
        """The type in words: "number", "list of text", …"""
        return _type(self.schema)

    @property
    def limits(self) -> str:
        """The restrictions on its values, in words."""
        return ", ".join(_limits(self.schema))

    @property
    def meaning(self) -> str:
        return " ".join(str(self.schema.get("description") or self.schema.get("title") or "").split())


def read_schema(description: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the input schema of an introspection document; older providers encode it as a string.

    :raises SchemaError: there is none, or it is too large.
    """
    schema = description.get("input_schema")
    if isinstance(schema, str):
        try:
            schema = json.loads(schema)
        except ValueError as error:
            raise SchemaError("the provider's input_schema is not JSON") from error
    if not isinstance(schema, dict):
        raise SchemaError("the provider has no input_schema")
    try:
        size = len(json.dumps(schema))
    except RecursionError as error:
        raise SchemaError("the provider's input_schema is nested too deeply") from error
    if size > LARGEST_CHARACTERS:
        raise SchemaError(f"the provider's input_schema has more than {LARGEST_CHARACTERS:,} characters")
    return schema


def fields(schema: Mapping[str, Any]) -> list[Field]:
    """Return the fields of the input, at most MOST_FIELDS; nested objects are replaced by their fields."""
    return list(_fields(schema, schema, (), True, left=iter(range(MOST_FIELDS))))


def properties(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Iterator[Field]:
    """Yield the fields of one object."""
    own = _resolve(schema, root)
    members = own.get("properties")
    needed = own.get("required")
    names = needed if isinstance(needed, list) else []
    for name, value in members.items() if isinstance(members, Mapping) else ():
        yield Field((str(name),), _resolve(value, root), name in names)


def _fields(
    schema: Mapping[str, Any],
    root: Mapping[str, Any],
    path: tuple[str, ...],
    required: bool,
    *,
    left: Iterator[int],
    depth: int = 0,
) -> Iterator[Field]:
    """Yield the fields at any depth.

    :param left: yields once for each field that may still be described.
    """
    for field in properties(schema, root):
        if next(left, None) is None:
            return
        here = Field((*path, *field.path), field.schema, required and field.required)
        if isinstance(field.schema.get("properties"), Mapping) and depth < DEEPEST:
            yield from _fields(field.schema, root, here.path, here.required, left=left, depth=depth + 1)
        else:
            yield here


def _resolve(schema: Any, root: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema, or the one within `root` that it refers to."""
    for _ in range(DEEPEST):
        reference = schema.get("$ref") if isinstance(schema, Mapping) else None
        if not isinstance(reference, str) or not reference.startswith("#/"):
            break
        found: Any = root
        for step in reference[2:].split("/"):
            name = step.replace("~1", "/").replace("~0", "~")
            found = found.get(name) if isinstance(found, Mapping) else None
        schema = {**found, **{k: v for k, v in schema.items() if k != "$ref"}} if isinstance(found, Mapping) else {}
    return schema if isinstance(schema, Mapping) else {}


_TYPES = {"string": "text", "boolean": "true or false", "integer": "whole number", "array": "list", "null": "nothing"}


def _type(schema: Mapping[str, Any], depth: int = 0) -> str:
    if "enum" in schema or "const" in schema:
        return "one of"
    kinds = schema.get("type")
    if kinds == "array":
        items = schema.get("items")
        inner = _type(items, depth + 1) if isinstance(items, Mapping) and depth < DEEPEST else "anything"
        return "list" if inner in ("anything", "one of") else f"list of {inner}"
    words = [_TYPES.get(str(kind), str(kind)) for kind in (kinds if isinstance(kinds, list) else [kinds]) if kind]
    return " or ".join(words) or "anything"


def _limits(schema: Mapping[str, Any]) -> Iterator[str]:
    if "const" in schema:
        yield json.dumps(schema["const"], ensure_ascii=False)
    if isinstance(schema.get("enum"), Sequence):
        yield ", ".join(json.dumps(value, ensure_ascii=False) for value in schema["enum"])
    words = {
        "exclusiveMinimum": "above {}",
        "minimum": "at least {}",
        "exclusiveMaximum": "below {}",
        "maximum": "at most {}",
        "multipleOf": "a multiple of {}",
        "minLength": "{} or more characters",
        "maxLength": "at most {} characters",
        "pattern": "like {}",
        "format": "{}",
        "minItems": "{} or more",
        "maxItems": "at most {}",
    }
    for name, word in words.items():
        if name in schema and not isinstance(schema[name], bool):
            yield word.format(schema[name])
    if "default" in schema:
        yield f"by default {json.dumps(schema['default'], ensure_ascii=False)}"


def example(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a valid body made from the schema's examples; None if they do not suffice."""
    whole = schema.get("examples")
    if isinstance(whole, list) and whole and isinstance(whole[0], dict):
        return whole[0]
    body: dict[str, Any] = {}
    for field in properties(schema, schema):
        shown = [*listed(field.schema, "examples"), *listed(field.schema, "enum")]
        shown += [field.schema[name] for name in ("const", "default") if name in field.schema]
        if field.required and shown:
            body[field.name] = shown[0]
    try:
        return body if not problems(schema, body) else None
    except SchemaError:
        return None


def listed(schema: Mapping[str, Any], name: str) -> list[Any]:
    """Return the list that `schema` has under `name`; an empty one if it has none."""
    found = schema.get(name)
    return found if isinstance(found, list) else []
