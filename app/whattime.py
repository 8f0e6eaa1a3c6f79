"""The work of this provider: tells the time at an offset from UTC, after a while, or fails.

To make another provider, write a module like this one, with its schema.json, and name it in WHATTIME_WORK.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

from app.work import Context, EndsAt, Failed, Setting, Step, Succeeded

SCHEMA = Path(__file__).resolve().parent.parent / "schema.json"

DESCRIPTION: Mapping[str, Any] = {
    "title": "What Time Is It Right Now?",
    "subtitle": "From the makers of Philbert: Another exciting promotional tie-in for whattimeisitrightnow.com",
    "description": (
        "Tells the time at an offset from UTC. Like real work, an action takes a while, from seconds to minutes. "
        "It may fail, it can be canceled, and its result stays private until it is complete. Use it to learn the "
        "Action Provider interface, and to test how flows and clients cope with slow and failing actions."
    ),
    "keywords": ["time", "whattimeisitnow", "productivity"],
    "admin_contact": "support@whattimeisrightnow.example",
    "administered_by": [],
}

EXAMPLE_BODY: Mapping[str, Any] = {"utc_offset": 1}

RESULT_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "required": ["whattimeisit"],
    "properties": {
        "whattimeisit": {
            "type": "string",
            "format": "date-time",
            "description": "The time of the request, at the offset that it asked for.",
        }
    },
    "additionalProperties": False,
}

EXAMPLE_RESULT: Mapping[str, Any] = {"whattimeisit": "2026-03-14T16:09:26.535897+01:00"}

LONGEST_SECONDS = 36525 * 86400
"""A hundred years."""


def _number(low: float, high: float, text: str) -> float:
    value = float(text)
    if not low <= value <= high:
        raise ValueError(f"not from {low} to {high}")
    return value


def _seconds(text: str) -> float:
    return _number(0, LONGEST_SECONDS, text)


def _share(text: str) -> float:
    return _number(0, 1, text)


SETTINGS: Mapping[str, Setting] = {
    "MIN_SECONDS": Setting(5, _seconds, "a number of seconds, 0 or more"),
    "MAX_SECONDS": Setting(900, _seconds, "a number of seconds, 0 or more"),
    "FAILURE_RATE": Setting(0.3, _share, "a number from 0 to 1"),
}
"""How long an action takes at least and at most, and the share of actions that fail."""

WATCHLESS = Failed("We didn't know what time it was.", "WATCHLESS")


def check_settings(settings: Mapping[str, Any]) -> None:
    """Raise ValueError if the settings contradict each other."""
    low, high = settings["MIN_SECONDS"], settings["MAX_SECONDS"]
    if low > high:
        raise ValueError(f"MIN_SECONDS={low:g} is more than MAX_SECONDS={high:g}")


def begin(body: Mapping[str, Any], context: Context) -> Step:
    """Draw how long the action takes and how it ends: with the time of the request, or without a watch."""
    settings, random = context.settings, context.random
    end = context.now + timedelta(seconds=random.uniform(settings["MIN_SECONDS"], settings["MAX_SECONDS"]))
    if random.random() < settings["FAILURE_RATE"]:
        return EndsAt(end, WATCHLESS)
    there = timezone(timedelta(hours=body["utc_offset"]))
    return EndsAt(end, Succeeded({"whattimeisit": context.now.astimezone(there).isoformat()}))
