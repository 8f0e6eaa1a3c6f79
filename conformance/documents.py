"""Checks documents against the forms that the interface defines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any

import jsonschema_rs
import yaml

from conformance.response import shorten
from conformance.rule import Finding, warning, wrong

COMPLETE = ("SUCCEEDED", "FAILED")
STATUSES = (*COMPLETE, "ACTIVE", "INACTIVE")

_NUMBER = r"\d+(\.\d+)?"
_DURATION = (
    rf"^P(?!$)({_NUMBER}Y)?({_NUMBER}M)?({_NUMBER}W)?({_NUMBER}D)?"
    rf"(T(?=\d)({_NUMBER}H)?({_NUMBER}M)?({_NUMBER}S)?)?$"
)
_PRINCIPAL = r"urn:globus:(auth:identity|groups:id):[a-fA-F0-9]{8}(-[a-fA-F0-9]{4}){3}-[a-fA-F0-9]{12}"
_FORMS = {"urn:globus": "principal URN", "^P(": "ISO 8601 duration", "^[A-Za-z]": "URI of a scope"}
"""The meaning of the patterns in the schemas, by a part of each."""
_TEXT = {"type": "string"}
_FLAG = {"type": "boolean"}


def _principals(*words: str) -> dict[str, Any]:
    pattern = f"^({'|'.join((_PRINCIPAL, *words))})$"
    return {"type": "array", "items": {"type": "string", "pattern": pattern}, "uniqueItems": True}


DESCRIPTION: Mapping[str, Any] = {
    "type": "object",
    "required": [
        "types",
        "api_version",
        "title",
        "synchronous",
        "log_supported",
        "runnable_by",
        "globus_auth_scope",
        "admin_contact",
    ],
    "properties": {
        "types": {"type": "array", "items": {"enum": ["Action", "Event"]}},
        "api_version": {"enum": ["1.0"]},
        "globus_auth_scope": {"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9+.-]*:."},
        "title": {"type": "string", "minLength": 1, "maxLength": 128},
        "subtitle": {"type": "string", "minLength": 1, "maxLength": 128},
        "description": {"type": "string", "minLength": 1, "maxLength": 4096},
        "keywords": {"type": "array", "items": _TEXT},
        "visible_to": _principals("public", "all_authenticated_users"),
        "runnable_by": _principals("all_authenticated_users"),
        "administered_by": _principals(),
        "admin_contact": _TEXT,
        "synchronous": _FLAG,
        "log_supported": _FLAG,
        "maximum_deadline": {"type": "string", "pattern": _DURATION},
        "input_schema": {"type": "object"},
        "event_types": {"type": "array", "items": _TEXT},
    },
}
"""ProviderDescription. The toolkit also understands `all_authenticated_users` in visible_to."""


def compile_schema(schema: Any) -> jsonschema_rs.Validator:
    """Compile a JSON Schema.

    :raises ValueError: it is not one, or it refers to other documents, which are not fetched.
    """
    return jsonschema_rs.validator_for(schema, retriever=_retrieve_nothing)


def _retrieve_nothing(uri: str) -> Any:
    raise ValueError(f"{uri} is in another document")


@cache
def _status_validator() -> jsonschema_rs.Validator:
    source = resources.files("globus_action_provider_tools") / "action_status.yaml"
    schema = yaml.safe_load(source.read_text("utf-8"))
    del schema["example"]  # YAML turns its times into datetimes
    return compile_schema(schema)


@cache
def _description_validator() -> jsonschema_rs.Validator:
    return compile_schema(DESCRIPTION)


def _words(error: jsonschema_rs.ValidationError) -> str:
    """Describe the error in plain words, field first."""
    where = shorten(".".join(str(part) for part in error.instance_path), 80) or "the document"
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Required):
        return f"{error.kind.property} is missing" + ("" if where == "the document" else f" in {where}")
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Pattern):
        form = next((form for sign, form in _FORMS.items() if sign in error.kind.pattern), "value of the right form")
        return f"{where}: {shorten(str(error.instance), 80)!r} is not a valid {form}"
    return f"{where}: {shorten(error.message, 160)}"


def description_faults(document: Any) -> Iterator[Finding]:
    """Yield what is wrong with an introspection document."""
    for error in _description_validator().iter_errors(document):
        message = _words(error)
        field = error.instance_path[0] if error.instance_path else None
        if field is None or field in DESCRIPTION["required"]:
            yield warning(f"{message}; the interface spells it Action") if _is_spelling(error) else wrong(message)
        elif error.instance is not None:
            yield wrong(message) if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Type) else warning(message)


def _is_spelling(error: jsonschema_rs.ValidationError) -> bool:
    return bool(error.instance_path[:1] == ["types"] and str(error.instance).capitalize() in ("Action", "Event"))


def status_faults(document: Any) -> Iterator[Finding]:
    """Yield what is wrong with the status of an action."""
    for error in _status_validator().iter_errors(document):
        if error.instance is None and error.instance_path and error.instance_path[0] not in ("details", "action_id"):
            yield warning(f"{error.instance_path[0]}: it is null; the interface has a value, or no field")
        elif list(error.instance_path) == ["release_after"] and isinstance(error.instance, int | float):
            yield warning("release_after: a number (seconds, in the interface text) is not an ISO 8601 duration")
        else:
            yield wrong(_words(error))
    if isinstance(document, dict):
        yield from _time_faults(document)
        if document.get("action_id") == "":
            yield wrong("action_id: it is empty")


def _time_faults(document: Mapping[str, Any]) -> Iterator[Finding]:
    times = {name: document[name] for name in ("start_time", "completion_time") if isinstance(document.get(name), str)}
    moments = {}
    for name, text in times.items():
        moments[name] = parse_time(text)
        if moments[name] is None:
            yield wrong(f"{name}: it is not a time with date, T, time, and offset: {shorten(text, 60)}")
    start, end = moments.get("start_time"), moments.get("completion_time")
    if start and end and end < start:
        yield wrong(f"completion_time: {times['completion_time']} is before start_time {times['start_time']}")


def parse_time(text: str) -> datetime | None:
    """Parse an ISO 8601 time with an offset from UTC; return None for anything else."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None and text[10:11] in ("T", "t") else None


_ALWAYS_PRESENT = ("status", "details", "creator_id")
_OPTIONAL = ("display_status", "start_time", "completion_time", "label", "monitor_by", "manage_by")


def changed_fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Yield the fields in which two statuses of an action differ; an optional field counts if both have it."""
    for field in (*_ALWAYS_PRESENT, *_OPTIONAL):
        old, new = before.get(field), after.get(field)
        if field in _OPTIONAL and (old is None or new is None):
            continue
        if field.endswith("_by") and isinstance(old, list) and isinstance(new, list):
            old, new = sorted(map(str, old)), sorted(map(str, new))  # they are sets
        if old != new:
            yield field
