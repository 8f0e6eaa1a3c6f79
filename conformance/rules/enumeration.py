"""The list of actions, which is optional."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.action_end import Document
from conformance.caller import Caller
from conformance.documents import COMPLETE
from conformance.errors import Skip
from conformance.optional import ABSENT
from conformance.provider import ProviderUnderTest
from conformance.response import Response
from conformance.rule import Finding, rule, warning, wrong
from conformance.sources import guide

SECTION = "Enumeration"
SOURCE = guide("Optional Endpoint: Action Enumeration")
COMPLETE_ONES = "?status=succeeded,failed"
EVERYTHING = "?roles=creator_id,monitor_by,manage_by&status=active,inactive,succeeded,failed"


def enumerated(caller: Caller, query: str = "") -> Response:
    """:raises Skip: the provider does not have this optional operation."""
    response = caller.enumerate(query)
    if response.code in ABSENT:
        raise Skip(f"the provider has no enumeration (GET /actions is answered with {response.code})")
    return response


def items(response: Response) -> list[Document]:
    """Return the actions of a list, or of the first list in an object."""
    document = response.json if response.is_json else []
    if isinstance(document, dict):
        document = next((value for value in document.values() if isinstance(value, list)), [])
    return [item for item in document if isinstance(item, dict)] if isinstance(document, list) else []


def lists(response: Response, action: Document) -> bool:
    return any(item.get("action_id") == action["action_id"] for item in items(response))


@rule(SECTION, SOURCE)
def enumeration_lists_the_active_actions_of_the_caller(provider: ProviderUnderTest) -> Iterator[Finding]:
    """GET /actions answers with the caller's own actions that are ACTIVE."""
    action = provider.start_any()
    response = enumerated(provider.creator)
    if response.code != 200:
        yield wrong(f"enumeration is answered with {response.code}", response)
        return
    if not isinstance(response.json, list):
        yield warning("enumeration does not answer with a list of statuses", response)
    for item in items(response):
        if item.get("status") != "ACTIVE":
            yield wrong(f"without a filter, enumeration lists an action that is {item.get('status')}", response)
            return
    if not lists(response, action):
        yield from _unlisted_faults(provider, action, response)


def _unlisted_faults(provider: ProviderUnderTest, action: Document, response: Response) -> Iterator[Finding]:
    """Yield what is wrong if an action is not in the list of ACTIVE ones.

    :raises Skip: it was not ACTIVE, and no list shows that enumeration lists anything.
    """
    after = provider.creator.status(action["action_id"])
    if action["status"] == "ACTIVE" == after.object.get("status"):
        if items(response):
            yield warning("an ACTIVE action of the caller is not in the list (or not on its first page)", response)
        else:
            yield wrong("the list is empty although the caller has an ACTIVE action", response, after)
    elif not items(response) and not items(enumerated(provider.creator, COMPLETE_ONES)):
        raise Skip("no action was ACTIVE long enough to be listed, and other lists are empty as well")


@rule(SECTION, SOURCE)
def enumeration_filters_by_status(provider: ProviderUnderTest) -> Iterator[Finding]:
    """With status=succeeded,failed, GET /actions lists only complete actions, those of the caller among them."""
    ended = _newly_ended(provider)
    response = enumerated(provider.creator, COMPLETE_ONES)
    if response.code != 200:
        yield wrong(f"enumeration with a filter is answered with {response.code}", response)
        return
    if any(item.get("status") not in COMPLETE for item in items(response)):
        yield wrong("with status=succeeded,failed, enumeration lists other actions", response)
    if not items(response):
        yield wrong("the list of complete actions is empty although the caller has one", response)
    elif not lists(response, ended):
        yield warning("a complete action is not in the list of complete actions (or not on its first page)", response)


def _newly_ended(provider: ProviderUnderTest) -> Document:
    """Return a new complete action, or the first one if that takes too long: lists often have the newest first."""
    try:
        return provider.action_end.of(provider.start(), hurry=True)
    except Skip:
        return provider.ended


@rule(SECTION, SOURCE, title="Enumeration does not list the actions of others")
def enumeration_does_not_list_what_others_have(provider: ProviderUnderTest) -> Iterator[Finding]:
    """GET /actions lists only actions that name the caller in one of the roles."""
    other, action = provider.other_user.caller, provider.start()
    own = enumerated(provider.creator, EVERYTHING)
    if not lists(own, action):
        raise Skip("the list does not show the action to its creator either")
    response = enumerated(other, EVERYTHING)
    if lists(response, action):
        yield wrong("enumeration lists an action to a user who has no role in it", response)


@rule(SECTION, SOURCE)
def enumeration_needs_a_token(provider: ProviderUnderTest) -> Iterator[Finding]:
    """GET /actions without a token is answered with 401."""
    provider.require_start()
    enumerated(provider.creator)
    response = provider.anonymous.enumerate()
    if response.code != 401:
        yield wrong(f"enumeration without a token is answered with {response.code} instead of 401", response)
