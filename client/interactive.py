"""Ask for a body, field by field, according to the provider's schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .console import Console
from .schema import DEEPEST, Field, SchemaError, listed, problems, properties

_NOTHING = object()


def ask_for_body(schema: Mapping[str, Any], console: Console) -> dict[str, Any]:
    """Return the body that the person types.

    :raises SchemaError: the schema names no fields.
    """
    if next(properties(schema, schema), None) is None:
        raise SchemaError("the provider's input_schema has no fields: use --body")
    return _ask_for_object(schema, schema, console, (), 0)


def _ask_for_object(
    schema: Mapping[str, Any], root: Mapping[str, Any], console: Console, path: tuple[str, ...], depth: int
) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for field in properties(schema, root):
        here = Field((*path, *field.path), field.schema, field.required)
        nested = isinstance(field.schema.get("properties"), Mapping) and depth < DEEPEST
        if nested and (field.required or console.ask(f"Give {here.name}? [y/N]").lower() in ("y", "yes")):
            value: Any = _ask_for_object(field.schema, root, console, here.path, depth + 1)
        else:
            value = _NOTHING if nested else _ask(here, root, console)
        if value is not _NOTHING:
            body[field.path[0]] = value
    return body


def _ask(field: Field, root: Mapping[str, Any], console: Console) -> Any:
    """Return a value that is valid for the field, or _NOTHING if the field is optional and left out."""
    notes = ", ".join(filter(None, [field.type, field.limits, "" if field.required else "press Enter to skip it"]))
    console.say(f"{field.name}: {field.meaning}".removesuffix(": "), bold=True)
    console.say(f"  {notes}")
    while True:
        text = console.ask(f"  {field.name}")
        if not text and not field.required:
            return _NOTHING
        value = _value(text, field)
        wrong = _problems(field, root, value)
        if not wrong:
            return value
        for sentence in wrong:
            console.say(f"  {sentence.removeprefix('the body: ')}", fg="red")


def _value(text: str, field: Field) -> Any:
    """Return the typed value: text for a text field; otherwise JSON, or text if it is not JSON."""
    if not text and "default" in field.schema:
        return field.schema["default"]
    kinds = field.schema.get("type")
    if kinds == "string" or text in listed(field.schema, "enum"):
        return text
    if kinds == "boolean" and text.lower() in ("y", "yes", "n", "no", "true", "false"):
        return text.lower() in ("y", "yes", "true")
    if kinds == "array" and not text.lstrip().startswith("["):
        text = f"[{text}]" if _is_json(f"[{text}]") else json.dumps([part.strip() for part in text.split(",")])
    return json.loads(text) if _is_json(text) else text


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _problems(field: Field, root: Mapping[str, Any], value: Any) -> list[str]:
    definitions = {name: root[name] for name in ("$schema", "$defs", "definitions") if name in root}
    try:
        return problems({**definitions, **field.schema}, value)
    except SchemaError:
        return []  # the provider will check it
