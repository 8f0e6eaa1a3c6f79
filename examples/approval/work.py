"""Asks a person for approval. The action is INACTIVE until a manager resumes it, which means yes.

To say no, cancel the action. The request's `manage_by` says who else may decide, besides the person who asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.work import Context, Inactive, Job, Setting, Step, Succeeded

DESCRIPTION: Mapping[str, Any] = {
    "title": "Approval",
    "subtitle": "Ask a person before a flow goes on",
    "description": (
        "Waits until a person approves. Name the people who may decide in `manage_by`. Each of them can resume the "
        "action, which means yes, or cancel it, which means no."
    ),
    "keywords": ["approval", "review", "human"],
    "admin_contact": "support@approval.example",
    "administered_by": [],
}

EXAMPLE_BODY: Mapping[str, Any] = {"question": "Publish the data set?"}

RESULT_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "required": ["approved_by", "approved_at"],
    "properties": {
        "approved_by": {"type": "string", "description": "The principal URN of the person who approved."},
        "approved_at": {"type": "string", "format": "date-time"},
    },
}

EXAMPLE_RESULT: Mapping[str, Any] = {
    "approved_by": "urn:globus:auth:identity:5b1c0de0-0000-4000-8000-000000000b0b",
    "approved_at": "2026-03-14T15:12:47.268432+00:00",
}


def _yes_or_no(text: str) -> bool:
    if text.lower() not in ("yes", "no"):
        raise ValueError(text)
    return text.lower() == "yes"


SETTINGS: Mapping[str, Setting] = {
    "SELF_APPROVAL": Setting(True, _yes_or_no, "yes or no"),
}
"""Whether people may approve their own requests."""


def begin(body: Mapping[str, Any], _context: Context) -> Step:
    """Ask the question, and wait for a person."""
    return waiting(body)


def advance(job: Job, context: Context) -> Step:
    """Handle a `resume`: it means yes, if this caller may decide."""
    if context.caller is None or job.attempt > 1:
        # An earlier call was interrupted, so this caller may not be the person who approved. Ask again.
        return waiting(job.body, note="The approval was interrupted. Please approve again.")
    if not context.settings["SELF_APPROVAL"] and job.creator_id in context.caller.identities:
        return waiting(job.body, note="The person who asks cannot approve.")
    return Succeeded({"approved_by": context.caller.effective_identity, "approved_at": context.now.isoformat()})


def waiting(body: Mapping[str, Any], **more: str) -> Inactive:
    """Return the step of an action that waits for approval."""
    return Inactive(
        "ApprovalRequired",
        "A manager of this action must resume it to approve, or cancel it to decline.",
        details={"question": body["question"], **more},
        display_status="waiting for approval",
    )
