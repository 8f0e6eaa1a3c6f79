"""The end of an action's record."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.documents import COMPLETE
from conformance.rule import Finding, Skip, rule, warning, wrong
from conformance.rules.life_cycle import operations
from conformance.sources import api, guide
from conformance.subject import Subject

SECTION = "Release"
_NOT_FOUND = api("GET /{action_id}/status, POST /{action_id}/cancel and /release", "response 404")
GONE = f"{_NOT_FOUND}; {guide('Action Lifecycle', 'RELEASED')}"


@rule(SECTION, api("POST /{action_id}/release", "response 200"))
def a_complete_action_can_be_released(it: Subject) -> Iterator[Finding]:
    """release of a complete action is answered with 200 and its last status."""
    ended = it.ended
    answer = it.me.release(ended["action_id"])
    if answer.code != 200:
        yield wrong(f"release of a complete action is answered with {answer.code}", answer)
        return
    if answer.object.get("action_id") != ended["action_id"] or answer.object.get("status") not in COMPLETE:
        yield wrong("release does not answer with the last status of the action", answer)
    elif (answer.object["status"], answer.object.get("details")) != (ended["status"], ended.get("details")):
        yield wrong("release answers with another end than the status did", answer)


def released_id(it: Subject) -> str:
    """The id of an action whose release was answered with success."""
    action_id: str = it.ended["action_id"]
    path = f"/{action_id}/release"
    if not any(answer.path == path and answer.is_success for answer in it.wire.answers):
        raise Skip("no action could be released")
    return action_id


@rule(SECTION, GONE)
def a_released_action_is_not_found(it: Subject) -> Iterator[Finding]:
    """After its release, an action is as if it had never been: status, cancel, release and log answer 404."""
    action_id = released_id(it)
    for ask in operations(it).values():
        answer = ask(action_id)
        if answer.is_success:
            yield wrong("a released action is still there", answer)
        elif answer.code != 404:
            yield wrong(f"a released action is answered with {answer.code}, where 404 is meant", answer)


@rule(SECTION, guide("Action Lifecycle", "RELEASED"))
def a_request_repeated_after_the_release_starts_anew(it: Subject) -> Iterator[Finding]:
    """Recommended: since a released action is as if it had never been, its request starts a new one."""
    action_id = released_id(it)
    answer = it.me.run(it.first_request_id)
    if not answer.is_success:
        yield warning(f"a request whose action was released is answered with {answer.code}", answer)
    elif answer.object.get("action_id") == action_id:
        yield warning("a request whose action was released is answered with that action, which is gone", answer)
