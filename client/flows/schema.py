"""The form of each type of state as a JSON Schema, following the schema published for the Globus flows editor.

An optional field may be null, which means the same as leaving it out, except for ResultPath. Unlike in the published
schema, URLs may begin with http://, as those of providers on this machine do.
"""

from __future__ import annotations

from typing import Any

COMPARISONS = ("Equals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
ORDERED = ("Numeric", "String", "Timestamp")
TESTS = ("IsBoolean", "IsNull", "IsNumeric", "IsPresent", "IsString", "IsTimestamp")
LONGEST_WAIT_SECONDS = 31_536_000
"""A year, which is also as long as a run may take."""

_STRING = {"type": "string"}
_NAME = {"type": "string", "minLength": 1, "maxLength": 128}
_TEXT = {"type": ["string", "null"]}
_BOOLEAN = {"type": ["boolean", "null"]}
_OBJECT = {"type": ["object", "null"]}
_URL = {"type": ["string", "null"], "pattern": "^https?://[^/]"}

_TRANSITION = {"Next": {"type": ["string", "null"], "maxLength": 128}, "End": _BOOLEAN}
_CATCH = {
    "type": ["array", "null"],
    "items": {
        "type": "object",
        "properties": {
            "ErrorEquals": {"type": "array", "items": _STRING, "minItems": 1},
            "Next": _NAME,
            "ResultPath": _STRING,
            "Comment": _TEXT,
        },
        "required": ["ErrorEquals", "Next"],
        "additionalProperties": False,
    },
}
_HANDLER = {
    "type": ["object", "string", "null"],
    "properties": {
        "Type": {"enum": ["ActionProvider", "RegisteredAPI"]},
        "Url": _URL,
        "Scope": _TEXT,
        "Id": {"type": "string"},
    },
    "required": ["Type"],
    "additionalProperties": False,
}
_INPUT = {"Parameters": _OBJECT, "InputPath": _TEXT}
_WEB_INPUT = {**_INPUT, **_TRANSITION, "ResultPath": _STRING, "Catch": _CATCH}


def _state(properties: dict[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"Type": _STRING, "Comment": _TEXT, **properties},
        "required": ["Type", *required],
        "additionalProperties": False,
    }


STATES: dict[str, dict[str, Any]] = {
    "Action": _state(
        {
            **_INPUT,
            **_TRANSITION,
            "ActionUrl": _URL,
            "ActionScope": _TEXT,
            "Handler": _HANDLER,
            "ResultPath": _STRING,
            "WaitTime": {"type": ["integer", "null"], "minimum": 0, "maximum": LONGEST_WAIT_SECONDS},
            "ExceptionOnActionFailure": _BOOLEAN,
            "RunAs": _TEXT,
            "Catch": _CATCH,
        }
    ),
    "ExpressionEval": _state(
        {"Parameters": {"type": "object"}, "ResultPath": _STRING, **_TRANSITION}, ("Parameters", "ResultPath")
    ),
    "Pass": _state({**_INPUT, **_TRANSITION, "Result": _OBJECT, "ResultPath": _STRING}),
    "Choice": _state(
        {"Choices": {"type": "array", "minItems": 1}, "Default": {"type": ["string", "null"]}}, ("Choices",)
    ),
    "Wait": _state(
        {
            **_TRANSITION,
            "Seconds": {"type": ["integer", "null"], "minimum": 0, "maximum": LONGEST_WAIT_SECONDS},
            "SecondsPath": _TEXT,
            "Timestamp": _TEXT,
            "TimestampPath": _TEXT,
        }
    ),
    "Fail": _state({"Error": _TEXT, "ErrorPath": _TEXT, "Cause": _TEXT, "CausePath": _TEXT}),
    "CreateWebInput": _state(_WEB_INPUT),
    "AwaitWebInput": _state(_WEB_INPUT),
}

TOP: dict[str, Any] = {
    "type": "object",
    "properties": {
        "StartAt": _NAME,
        "States": {"type": "object", "minProperties": 1, "propertyNames": _NAME},
        "Comment": _TEXT,
    },
    "required": ["StartAt", "States"],
    "additionalProperties": False,
}


def _operators() -> dict[str, dict[str, Any]]:
    values = {"Numeric": {"type": "number"}, "String": _STRING, "Timestamp": _STRING}
    found: dict[str, dict[str, Any]] = {name: {"type": "boolean"} for name in (*TESTS, "BooleanEquals")}
    for kind in ORDERED:
        for comparison in COMPARISONS:
            found[f"{kind}{comparison}"] = values[kind]
            found[f"{kind}{comparison}Path"] = _STRING
    return found | {"BooleanEqualsPath": _STRING, "StringMatches": _STRING}


OPERATORS = _operators()
"""Return what a Choice rule can compare, and what each operator takes."""

RULE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "Variable": _STRING,
        "Next": _NAME,
        "Comment": _TEXT,
        "And": {"type": "array", "minItems": 1},
        "Or": {"type": "array", "minItems": 1},
        "Not": {"type": "object"},
        **OPERATORS,
    },
    "additionalProperties": False,
}
