"""Sentences about JSON Schema violations and unknown names, and where they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from jsonschema.exceptions import ValidationError

from .source import Position

MOST_NAMES_COMPARED = 100
LONGEST_NAME_COMPARED = 40


def sentences(error: ValidationError) -> Iterator[tuple[str, Position]]:
    """Return what is wrong, and the remaining steps to its place."""
    value: Any = error.validator_value
    if error.validator == "required" and isinstance(error.instance, dict):
        # jsonschema reports a separate error for each
        yield from ((f"The field {name} is missing.", ()) for name in value if error.message.startswith(repr(name)))
    elif error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = list(error.schema["properties"]) if isinstance(error.schema, Mapping) else []
        for name in error.instance:
            if name not in known:
                yield f"There is no field {quote(name)} here{nearest(name, known)}", (name,)
    elif error.validator == "type":
        words = {"object": "an object", "array": "a list", "integer": "a whole number", "null": "null"}
        kinds = [value] if isinstance(value, str) else [kind for kind in value if kind != "null"]
        yield f"It must be {' or '.join(words.get(kind, f'a {kind}') for kind in kinds)}.", ()
    elif error.validator == "pattern":
        yield f"{quote(error.instance)} is not a URL that begins with https://.", ()
    elif error.validator in ("minItems", "minProperties", "minLength"):
        yield "It must not be empty.", ()
    elif error.validator == "maxLength":
        yield f"It is longer than {value} characters.", ()
    else:
        yield f"{error.message[:200]}.", ()


def nearest(name: Any, known: Any) -> str:
    """Return a suggestion of the nearest known name; searching many or long names would take too long."""
    text, names = str(name), list(map(str, known))
    if len(text) > LONGEST_NAME_COMPARED or len(names) > MOST_NAMES_COMPARED:
        return "."
    near = get_close_matches(text, [each for each in names if len(each) <= LONGEST_NAME_COMPARED], n=1)
    return f". Did you mean {quote(near[0])}?" if near else "."


def quote(value: Any) -> str:
    text = str(value)
    return f'"{text if len(text) <= 80 else text[:79] + "…"}"'


def dotted(position: Position) -> str:
    text = ""
    for step in position:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
