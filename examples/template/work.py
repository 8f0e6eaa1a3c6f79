"""The work of TITLE. For now, it counts to a number: replace that with your own work, hook by hook."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from app.error import InvalidRequest
from app.work import Active, Context, Job, Setting, Step, Succeeded

DESCRIPTION: Mapping[str, Any] = {
    "title": "TITLE",
    "subtitle": "Count to a number",
    "description": "Counts to a number, one step at a time.",
    "keywords": ["counting"],
    "admin_contact": "support@NAME.example",
    "administered_by": [],
}

# A body that schema.json accepts. The banner, /docs, and the OpenAPI description show it.
EXAMPLE_BODY: Mapping[str, Any] = {"count_to": 3}

# The details of an action that has succeeded, for /docs and the OpenAPI description.
RESULT_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "required": ["counted"],
    "properties": {"counted": {"type": "integer", "description": "The number that was reached."}},
}
EXAMPLE_RESULT: Mapping[str, Any] = {"counted": 3}

# Settings of your own: WHATTIME_STEP_SECONDS in the environment overrides the default. Hooks find the value in
# `context.settings`. A Setting is a default, a parser of text that raises ValueError, and what is expected.
SETTINGS: Mapping[str, Setting] = {"STEP_SECONDS": Setting(1.0, float, "a number of seconds")}


def begin(body: Mapping[str, Any], _context: Context) -> Step:
    """Decide how the action proceeds. Be quick, and change nothing: this may be called twice for one action."""
    if body["count_to"] == 13:
        raise InvalidRequest("body.count_to: this provider does not count to 13")  # what no schema expresses
    return Active(display_status="starting")


def advance(job: Job, context: Context) -> Step:
    """Start the work, or check on it: whatever comes next. `job.state` is what the last step left.

    Called at most once at a time for an action, but again if a call never returned: `job.attempt` is higher then.
    """
    counted = job.state.get("counted", 0) + 1
    if counted >= job.body["count_to"]:
        return Succeeded({"counted": counted})
    return Active(
        state={"counted": counted},  # private
        details={"counted": counted},  # public
        display_status=f"{counted} of {job.body['count_to']}",
        look_after=timedelta(seconds=context.settings["STEP_SECONDS"]),
    )


def cancel(job: Job, context: Context) -> None:
    """Stop the work where it runs. The action has ended already. Counting has nothing to stop."""


def release(job: Job, context: Context) -> None:
    """Clean up where the work ran. The action is forgotten afterwards. Counting leaves nothing behind."""
