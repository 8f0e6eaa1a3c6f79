"""The list of actions, where a provider has one."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.caller import Caller
from conformance.documents import COMPLETE
from conformance.rule import Finding, Skip, rule, warning, wrong
from conformance.sources import guide
from conformance.subject import Subject
from conformance.wire import Answer

SECTION = "Enumeration"
SOURCE = guide("Optional Endpoint: Action Enumeration")
EVERYTHING = "?roles=creator_id,monitor_by,manage_by&status=active,inactive,succeeded,failed"


def listing(caller: Caller, query: str = "") -> Answer:
    """:raises Skip: the provider does not have this optional operation."""
    answer = caller.ask("enumeration", "GET", f"/actions{query}")
    if answer.code in (404, 405, 501):
        raise Skip(f"the provider has no enumeration (GET /actions is answered with {answer.code})")
    return answer


def items(answer: Answer) -> list[dict[str, object]]:
    """The actions of a list, or of the first list in an object."""
    document = answer.json if answer.is_json else []
    if isinstance(document, dict):
        document = next((value for value in document.values() if isinstance(value, list)), [])
    return [item for item in document if isinstance(item, dict)] if isinstance(document, list) else []


@rule(SECTION, SOURCE)
def enumeration_lists_the_active_actions_of_the_caller(it: Subject) -> Iterator[Finding]:
    """GET /actions answers with the caller's own actions that are ACTIVE."""
    it.require_start()
    answer = listing(it.me)
    if answer.code != 200:
        yield wrong(f"enumeration is answered with {answer.code}", answer)
        return
    if not isinstance(answer.json, list):
        yield warning("enumeration answers with something else than a list of statuses", answer)
    for item in items(answer):
        if item.get("status") != "ACTIVE":
            yield wrong(f"without a filter, enumeration lists an action that is {item.get('status')}", answer)
            return


@rule(SECTION, SOURCE)
def enumeration_filters_by_status(it: Subject) -> Iterator[Finding]:
    """With status=succeeded,failed, GET /actions lists complete actions alone, and one's own are among them."""
    ended = it.ended
    answer = listing(it.me, "?status=succeeded,failed")
    if answer.code != 200:
        yield wrong(f"enumeration with a filter is answered with {answer.code}", answer)
        return
    if any(item.get("status") not in COMPLETE for item in items(answer)):
        yield wrong("with status=succeeded,failed, enumeration lists other actions", answer)
    if all(item.get("action_id") != ended["action_id"] for item in items(answer)):
        yield warning("a complete action is not in the (first page of the) list of complete actions", answer)


@rule(SECTION, SOURCE)
def enumeration_does_not_list_what_others_have(it: Subject) -> Iterator[Finding]:
    """GET /actions lists the actions alone which name the caller in one of the roles."""
    other, action = it.other, it.first
    answer = listing(other, EVERYTHING)
    if any(item.get("action_id") == action["action_id"] for item in items(answer)):
        yield wrong("enumeration lists an action to somebody who has no role in it", answer)


@rule(SECTION, SOURCE)
def enumeration_needs_a_token(it: Subject) -> Iterator[Finding]:
    """GET /actions without a token is answered with 401."""
    it.require_start()
    listing(it.me)
    answer = listing(it.nobody)
    if answer.code != 401:
        yield wrong(f"enumeration without a token is answered with {answer.code}, where 401 is meant", answer)
