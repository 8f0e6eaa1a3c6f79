"""The business: what this Action Provider is, how long an action of it takes, and how that ends.

To make another provider, replace this module and schema.json: everything else stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from random import Random
from typing import Any

from globus_action_provider_tools import ActionStatusValue

from app.action import Outcome, failed

DESCRIPTION: Mapping[str, Any] = {
    "title": "What Time Is It Right Now?",
    "subtitle": ("From the makers of Philbert: Another exciting promotional tie-in for whattimeisitrightnow.com"),
    "description": (
        "Tells what time it is at an offset from UTC. Like work in real life, an action takes a while, from seconds to "
        "minutes, may fail, can be cancelled, and keeps its answer to itself until it is complete: made for learning "
        "the Action Provider interface and for testing how flows and clients cope with slow and failing actions."
    ),
    "keywords": ["time", "whattimeisitnow", "productivity"],
    "admin_contact": "support@whattimeisrightnow.example",
    "administered_by": ["support@whattimeisrightnow.example"],
}
"""The part of the introspection document that says what this provider is for."""

EXAMPLE_BODY: Mapping[str, Any] = {"utc_offset": 1}
"""What a newcomer is shown to begin with."""

WATCHLESS = failed("We didn't know what time it was.", "WATCHLESS")


def begin(
    body: Mapping[str, Any], now: datetime, settings: Mapping[str, Any], random: Random
) -> tuple[timedelta, Outcome]:
    """Begin an action at `now`: how long it will take, and how it will end.

    It may be asked more than once for one action, by simultaneous requests of which one wins.

    :param body: the request's body, valid by schema.json.
    :param settings: of these, MIN_SECONDS, MAX_SECONDS and FAILURE_RATE count here.
    :param random: the source of chance.
    :raises InvalidRequest: it cannot be begun, for a reason that a schema cannot tell.
    """
    duration = timedelta(seconds=random.uniform(settings["MIN_SECONDS"], settings["MAX_SECONDS"]))
    if random.random() < settings["FAILURE_RATE"]:
        return duration, WATCHLESS
    there = timezone(timedelta(hours=body["utc_offset"]))
    return duration, Outcome(ActionStatusValue.SUCCEEDED, {"whattimeisit": now.astimezone(there).isoformat()})
