"""Parses and validates the body of a run request."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from importlib import resources
from itertools import islice
from typing import Any, TypeVar

import jsonschema_rs
import yaml

from app.action.error import InvalidRequest, shorten
from app.action.times import parse_duration, parse_time

T = TypeVar("T")

MAX_PROBLEMS = 10
"""How many problems of one request are listed at most."""

MAX_DIGITS = 1000
"""How many characters a number may have."""

_PRINCIPAL = "a principal URN such as urn:globus:auth:identity:<UUID> or urn:globus:groups:id:<UUID>"
_EXPECTED = {
    "monitor_by": _PRINCIPAL,
    "manage_by": _PRINCIPAL,
    "release_after": "an ISO 8601 duration such as P30D or PT12H, without fractions of years and months",
    "deadline": "an RFC 3339 time with its offset from UTC, such as 2030-01-31T12:00:00Z",
    "allowed_clients": "public, globus or creator",
}
"""What the fields whose schema is a regular expression or a format must be."""

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class ActionRequest:
    """A valid request to run an action.

    `content` is a digest of everything but the request_id: two requests with the same content ask for the same action.
    `release_after` is None if the request does not set it.
    """

    request_id: str
    content: bytes
    body: Any
    label: str | None
    monitor_by: tuple[str, ...]
    manage_by: tuple[str, ...]
    deadline: datetime | None
    release_after: timedelta | None


class RequestParser:
    """Parses run requests by the toolkit's schema of an action request and the provider's own schema of its body.

    :param input_schema: the JSON Schema of `body`; a `$ref` in it refers to itself.
    :raises ValueError: it is not a valid JSON Schema.
    """

    def __init__(self, input_schema: Mapping[str, Any]) -> None:
        source = resources.files("globus_action_provider_tools") / "action_request.yaml"
        schema = yaml.safe_load(source.read_text("utf-8"))
        schema["properties"]["body"] = {"$id": "urn:input-schema", **input_schema}
        self._validator = jsonschema_rs.validator_for(schema)

    def parse(self, raw: bytes, now: datetime) -> ActionRequest:
        """Return the request in `raw`, with relative times counted from `now`.

        :raises InvalidRequest: it is invalid; the details list up to MAX_PROBLEMS problems.
        """
        document = parse_json(raw)
        try:
            problems = [_problem(error) for error in islice(self._validator.iter_errors(document), MAX_PROBLEMS)]
        except ValueError as error:
            raise InvalidRequest("The request is nested too deeply.") from error
        if problems:
            raise InvalidRequest(*problems)
        monitor_by, manage_by = _principals(document, "monitor_by"), _principals(document, "manage_by")
        return ActionRequest(
            request_id=document["request_id"],
            content=_digest({**document, "request_id": None, "monitor_by": monitor_by, "manage_by": manage_by}),
            body=document["body"],
            label=document.get("label"),
            monitor_by=monitor_by,
            manage_by=manage_by,
            deadline=_read(document, "deadline", parse_time),
            release_after=_read(document, "release_after", partial(parse_duration, start=now)),
        )


def parse_json(raw: bytes) -> Any:
    """Return the JSON value in `raw`, read strictly: UTF-8, no NaN, no duplicate names, no text that cannot be stored.

    :raises InvalidRequest: it is not such a value.
    """
    try:
        text = raw.decode("utf-8")
        value = _DECODER.decode(text)
        if "\\u" in text and any(_UNSTORABLE.search(string) for string in _strings(value)):
            raise ValueError("NUL characters and lone surrogates are not accepted")
    except UnicodeDecodeError as error:
        raise InvalidRequest("The request is not UTF-8 text.") from error
    except ValueError as error:
        raise InvalidRequest(f"The request is not valid JSON: {shorten(str(error))}.") from error
    except RecursionError as error:
        raise InvalidRequest("The request is nested too deeply.") from error
    return value


def _number(text: str) -> int | float:
    """Return a JSON number: the same one for 1, 1.0, and 10e-1, which mean the same."""
    if len(text) > MAX_DIGITS:
        raise ValueError("a number has too many digits")
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return int(value) if value.is_integer() else value


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError("a number has too many digits")
    return int(text)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("an object has a duplicate name")
    return members


_DECODER = json.JSONDecoder(
    parse_float=_number, parse_int=_integer, parse_constant=_no_constant, object_pairs_hook=_no_duplicates
)

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, member in value.items():
            yield name
            yield from _strings(member)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def _problem(error: jsonschema_rs.ValidationError) -> str:
    """Describe one problem in one sentence."""
    path = ".".join(map(str, error.instance_path)) or "request"
    field = str(error.instance_path[0]) if error.instance_path else ""
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Pattern) and field in _EXPECTED:
        return f"{path}: {shorten(json.dumps(error.instance))} is not {_EXPECTED[field]}"
    return shorten(f"{path}: {error.message}")


def _principals(document: Mapping[str, Any], field: str) -> tuple[str, ...]:
    """Return a list of principal URNs, in lower case, as Globus Auth writes UUIDs."""
    return tuple(dict.fromkeys(principal.lower() for principal in document.get(field, ())))


def _read(document: Mapping[str, Any], field: str, reader: Callable[[str], T]) -> T | None:
    if field not in document:
        return None
    try:
        return reader(document[field])
    except ValueError as error:
        shown = shorten(json.dumps(document[field]))
        raise InvalidRequest(f"{field}: {shown} is not {_EXPECTED[field]}") from error


def _digest(content: Mapping[str, Any]) -> bytes:
    return hashlib.blake2b(_CANONICAL.encode(content).encode(), digest_size=16).digest()
