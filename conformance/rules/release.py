"""Releasing an action."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.documents import COMPLETE
from conformance.errors import Skip
from conformance.provider import ProviderUnderTest
from conformance.rule import Finding, rule, warning, wrong
from conformance.sources import api, guide

SECTION = "Release"
_NOT_FOUND = api("GET /{action_id}/status, POST /{action_id}/cancel and /release", "response 404")
GONE = f"{_NOT_FOUND}; {guide('Action Lifecycle', 'RELEASED')}"


@rule(SECTION, api("POST /{action_id}/release", "response 200"))
def a_complete_action_can_be_released(provider: ProviderUnderTest) -> Iterator[Finding]:
    """release of a complete action is answered with 200 and its final status."""
    ended = provider.ended
    response = provider.creator.release(ended["action_id"])
    if response.code != 200:
        yield wrong(f"release of a complete action is answered with {response.code}", response)
        return
    if response.object.get("action_id") != ended["action_id"] or response.object.get("status") not in COMPLETE:
        yield wrong("release does not answer with the final status of the action", response)
    elif (response.object["status"], response.object.get("details")) != (ended["status"], ended.get("details")):
        yield wrong("release shows another end than status did", response)


def released_id(provider: ProviderUnderTest) -> str:
    """Return the id of an action that was visible, and whose release was answered with success.

    :raises Skip: there is none.
    """
    action_id: str = provider.ended["action_id"]
    successes = {response.path for response in provider.transport.responses if response.is_success}
    if f"/{action_id}/release" not in successes:
        raise Skip("no action could be released")
    if f"/{action_id}/status" not in successes:
        raise Skip("the status of the action could not be seen before its release either")
    return action_id


@rule(SECTION, GONE)
def a_released_action_is_not_found(provider: ProviderUnderTest) -> Iterator[Finding]:
    """After its release, an action is as if it had never existed: status, cancel, release, and log answer 404."""
    action_id = released_id(provider)
    for name, operation in provider.optional.of(provider.creator).items():
        response = operation(action_id)
        if response.is_success:
            yield wrong(f"{name}: a released action is still there", response)
        elif response.code != 404:
            yield wrong(f"{name} of a released action is answered with {response.code} instead of 404", response)


@rule(SECTION, guide("Action Lifecycle", "RELEASED"), title="A request repeated after the release starts a new action")
def a_request_repeated_after_the_release_starts_anew(provider: ProviderUnderTest) -> Iterator[Finding]:
    """Recommended: since a released action is as if it had never existed, its request starts a new one."""
    action_id = released_id(provider)
    response = provider.creator.run(provider.first_request_id)
    if not response.is_success:
        yield warning(f"a request whose action was released is answered with {response.code}", response)
    elif response.object.get("action_id") == action_id:
        yield warning("a request whose action was released is answered with that action, which is gone", response)
