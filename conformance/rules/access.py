"""Who may see an action, and who may manage it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.documents import COMPLETE, STATUSES
from conformance.rule import Finding, Skip, rule, warning, wrong
from conformance.sources import api, guide
from conformance.subject import Subject
from conformance.wire import Answer

SECTION = "Other people"
WHO = guide("Starting an Action: The Action Request Document", "manage_by and monitor_by")


def mine(it: Subject, **fields: Any) -> dict[str, Any]:
    """A new action of the first person, not complete where that can be had."""
    try:
        return it.start_running(**fields)
    except Skip:
        return it.start(**fields)


def denial_faults(answer: Answer, what: str) -> Iterator[Finding]:
    """Whether somebody who may not do this was told so as the interface has it."""
    if answer.is_success:
        yield wrong(f"somebody who may not can {what} an action", answer)
    elif answer.code == 401:
        yield wrong(
            f"somebody who may not {what} an action is answered with 401, which is for bad tokens, not 403", answer
        )
    elif answer.code == 409:
        yield warning(
            f"somebody who may not {what} an action is told its state (409), where 403 or 404 is meant", answer
        )
    elif answer.code not in (403, 404):
        yield wrong(f"somebody who may not {what} an action is answered with {answer.code}, not with 403", answer)
    elif answer.object.get("status") in STATUSES and "details" in answer.object:
        yield wrong(f"the answer to somebody who may not {what} an action shows the action", answer)


@rule(SECTION, api("schema ActionStatus", "creator_id"))
def the_creator_is_whoever_has_started_the_action(it: Subject) -> Iterator[Finding]:
    """creator_id names the person whose token it was: two people's actions have two creators."""
    if it.cannot_tell_people_apart:
        yield wrong(
            "the actions of both tokens have one creator_id (or both tokens are the same person's)", it.first_run
        )
    else:
        _ = it.other


@rule(SECTION, f"{api('GET /{action_id}/status', 'response 403')} (404 hides the action, and is taken as well); {WHO}")
def others_cannot_see_an_action(it: Subject) -> Iterator[Finding]:
    """The status of an action is answered with 403 or 404 to somebody who is not its creator nor in its monitor_by."""
    other = it.other
    yield from denial_faults(other.status(mine(it)["action_id"]), "see")


@rule(SECTION, f"{api('POST /{action_id}/cancel', 'response 403')}; {WHO}")
def others_cannot_cancel_an_action(it: Subject) -> Iterator[Finding]:
    """cancel is answered with 403 or 404 to somebody who is not the creator nor in manage_by, and does nothing."""
    other, action = it.other, mine(it)
    yield from denial_faults(other.cancel(action["action_id"]), "cancel")


@rule(SECTION, f"{api('POST /{action_id}/release', 'response 403')}; {WHO}")
def others_cannot_release_an_action(it: Subject) -> Iterator[Finding]:
    """release is answered with 403 or 404 to somebody who is not the creator nor in manage_by, and does nothing."""
    other, action = it.other, mine(it)
    it.end_of(action, hurry=True)
    answer = other.release(action["action_id"])
    yield from denial_faults(answer, "release")
    after = it.me.status(action["action_id"])
    if not answer.is_success and not after.is_success:
        yield wrong("a release that was refused has removed the action", answer, after)


@rule(SECTION, f"{api('schema ActionRequest', 'monitor_by')}; {WHO}")
def others_cannot_read_the_log(it: Subject) -> Iterator[Finding]:
    """The log of an action is for those who may see it."""
    other = it.other
    if not it.has_log:
        raise Skip("the provider says that it has no log (log_supported)")
    yield from denial_faults(other.log(mine(it)["action_id"]), "read the log of")


@rule(SECTION, f"{api('GET /{action_id}/status', 'response 403')}; {WHO}")
def monitors_can_see_an_action(it: Subject) -> Iterator[Finding]:
    """Somebody in monitor_by may ask for the status."""
    action = mine(it, monitor_by=[it.others_principal])
    answer = it.other.status(action["action_id"])
    if answer.code != 200:
        yield wrong(f"somebody in monitor_by is answered with {answer.code}", answer)


@rule(SECTION, f"{api('POST /{action_id}/cancel and /release', 'response 403')}; {WHO}")
def monitors_cannot_cancel_or_release_an_action(it: Subject) -> Iterator[Finding]:
    """Somebody in monitor_by alone may neither cancel nor release: 403 (404 is taken as well)."""
    action = mine(it, monitor_by=[it.others_principal])
    yield from denial_faults(it.other.cancel(action["action_id"]), "cancel")
    it.end_of(action, hurry=True)
    yield from denial_faults(it.other.release(action["action_id"]), "release")


@rule(SECTION, f"{api('POST /{action_id}/cancel and /release', 'response 403')}; {WHO}")
def managers_can_cancel_and_release_an_action(it: Subject) -> Iterator[Finding]:
    """Somebody in manage_by may cancel an action, and release it when it is complete."""
    action = mine(it, manage_by=[it.others_principal], monitor_by=[it.others_principal])
    cancelled = it.other.cancel(action["action_id"])
    if cancelled.code in (401, 403, 404) or cancelled.code >= 500:
        yield wrong(f"somebody in manage_by who cancels is answered with {cancelled.code}", cancelled)
    it.end_of(action, hurry=True)
    released = it.other.release(action["action_id"])
    if released.code != 200:
        yield wrong(f"somebody in manage_by who releases is answered with {released.code}", released)


@rule(SECTION, WHO)
def creators_need_not_name_themselves(it: Subject) -> Iterator[Finding]:
    """Whoever starts an action may see and manage it, also where monitor_by and manage_by name somebody else alone."""
    principals = [it.others_principal]
    action = mine(it, monitor_by=principals, manage_by=principals)
    seen = it.me.status(action["action_id"])
    if seen.code != 200:
        yield wrong(f"the creator, who is not in monitor_by, is answered with {seen.code}", seen)
    if action["status"] not in COMPLETE:
        cancelled = it.me.cancel(action["action_id"])
        if cancelled.code in (401, 403, 404):
            yield wrong(f"the creator, who is not in manage_by, is answered with {cancelled.code}", cancelled)
