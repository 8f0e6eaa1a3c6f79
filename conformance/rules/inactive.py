"""Actions that wait (INACTIVE), and resume: an operation of Globus' toolkit that no interface document describes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from conformance.action_end import Document
from conformance.documents import changed_fields
from conformance.errors import Skip
from conformance.optional import asks_for_consent
from conformance.provider import ProviderUnderTest
from conformance.response import Response
from conformance.rule import Finding, rule, warning, wrong
from conformance.rules.access import WHO, denial_faults
from conformance.sources import guide

SECTION = "Paused actions"
STATES = guide("Action Lifecycle", "INACTIVE")
DETAILS = "Globus' action-provider-tools: ActionInactiveDetails"
RESUME = "Globus' action-provider-tools: ActionProviderBlueprint.action_resume"


def start_paused(provider: ProviderUnderTest, **fields: object) -> Document:
    """Return a new INACTIVE action.

    :raises Skip: this provider has no resume, or none of its actions was INACTIVE.
    """
    provider.optional.require_resume()
    return provider.action_end.start_inactive(**fields)


def start_paused_or_any(provider: ProviderUnderTest, **fields: object) -> Document:
    """Return a new action, INACTIVE if this provider has such, that others cannot resume in any case."""
    provider.optional.require_resume()
    try:
        return provider.action_end.start_inactive(**fields)
    except Skip:
        return provider.start_any(**fields)


@rule(SECTION, f"{DETAILS}; {STATES}")
def an_inactive_action_says_why(provider: ProviderUnderTest) -> Iterator[Finding]:
    """The details of an INACTIVE action have a code and a description, both texts; with the code ConsentRequired, also
    the required_scope, which clients ask consent for."""
    with suppress(Skip):
        _ = provider.ended  # on its way to the end, the first action may have been INACTIVE
    action = provider.action_end.start_inactive()
    shown = [response for response in provider.transport.responses if response.object == action][-1:]
    details = action.get("details")
    if not isinstance(details, dict):
        yield wrong("the details of an INACTIVE action are not an object", *shown)
        return
    for field in ("code", "description"):
        if details.get(field) is None:
            yield warning(f"the details of an INACTIVE action have no {field}", *shown)
    for field in ("code", "description", "required_scope", "resolution_url"):
        if not isinstance(details.get(field, ""), str | None):
            yield wrong(f"{field} in the details of an INACTIVE action is not a text", *shown)
    if details.get("code") == "ConsentRequired" and not details.get("required_scope"):
        yield warning("an INACTIVE action that needs consent does not say for which required_scope", *shown)


@rule(SECTION, RESUME)
def an_inactive_action_can_be_resumed(provider: ProviderUnderTest) -> Iterator[Finding]:
    """resume by the creator is answered with 200 and the status of the action."""
    action = start_paused(provider)
    yield from resume_faults(provider, action, provider.creator.resume(action["action_id"]), "its creator")


@rule(SECTION, f"{RESUME}; {WHO}")
def managers_can_resume_an_action(provider: ProviderUnderTest) -> Iterator[Finding]:
    """A user in manage_by can resume an INACTIVE action."""
    principal = provider.other_user.principal
    action = start_paused(provider, manage_by=[principal], monitor_by=[principal])
    response = provider.other_user.caller.resume(action["action_id"])
    yield from resume_faults(provider, action, response, "a user in manage_by")


def resume_faults(provider: ProviderUnderTest, action: Document, response: Response, who: str) -> Iterator[Finding]:
    """Yield what is wrong with the response to a resume by a user who is allowed to.

    :raises Skip: the provider asks for consent first, which this suite cannot give.
    """
    if asks_for_consent(response):
        raise Skip("resume asks for the user's consent")
    if response.code != 200:
        yield wrong(f"resume of an INACTIVE action by {who} is answered with {response.code}", response)
    elif response.object.get("action_id") != action["action_id"]:
        yield wrong("resume does not answer with the status of the action", response)
    if response.is_success and not (after := provider.creator.status(action["action_id"])).is_success:
        yield wrong("after a resume, the status of the action is gone", response, after)


@rule(SECTION, f"{RESUME}; {WHO}")
def monitors_cannot_resume_an_action(provider: ProviderUnderTest) -> Iterator[Finding]:
    """A user who is only in monitor_by cannot resume an action: 403 (404 is accepted too)."""
    action = start_paused_or_any(provider, monitor_by=[provider.other_user.principal])
    yield from refused_resume_faults(provider, action)


@rule(SECTION, f"{RESUME}; {WHO}")
def others_cannot_resume_an_action(provider: ProviderUnderTest) -> Iterator[Finding]:
    """resume answers 403 or 404 to a user who is neither the creator nor in manage_by, and does nothing."""
    _ = provider.other_user.caller
    yield from refused_resume_faults(provider, start_paused_or_any(provider))


def refused_resume_faults(provider: ProviderUnderTest, action: Document) -> Iterator[Finding]:
    """Yield what is wrong if the other user, who is not allowed to, resumes the action."""
    response = provider.other_user.caller.resume(action["action_id"])
    yield from denial_faults(response, "resume")
    after = provider.creator.status(action["action_id"])
    if action["status"] == "INACTIVE" and not response.is_success and after.object.get("status") == "ACTIVE":
        yield wrong("a resume that was refused resumed the action", response, after)


@rule(SECTION, f"{RESUME}; as for cancel: {guide('Action Lifecycle')}")
def resume_of_an_action_that_is_not_inactive_is_refused(provider: ProviderUnderTest) -> Iterator[Finding]:
    """Recommended: resume of an ACTIVE or complete action is answered with 409. It never changes a complete action."""
    ended = provider.ended
    provider.optional.require_resume()
    before = provider.creator.status(ended["action_id"])
    response = provider.creator.resume(ended["action_id"])
    yield from _not_inactive_faults(response, "a complete")
    after = provider.creator.status(ended["action_id"])
    if before.is_success:
        for field in changed_fields(before.object, after.object):
            yield wrong(f"resume changed {field} of a complete action", before, after)
    try:
        running = provider.start_running()
    except Skip:
        return
    if running["status"] == "ACTIVE":
        response = provider.creator.resume(running["action_id"])
        now = provider.creator.status(running["action_id"]).object.get("status")
        if now == "ACTIVE":
            yield from _not_inactive_faults(response, "an ACTIVE")


def _not_inactive_faults(response: Response, which: str) -> Iterator[Finding]:
    if response.code >= 500:
        yield wrong(f"resume of {which} action is answered with {response.code}", response)
    elif response.code != 409:
        yield warning(f"resume of {which} action is answered with {response.code} instead of 409", response)
