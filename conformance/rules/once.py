"""A request, however often it is repeated, is one action."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from conformance.action_end import Document
from conformance.bodies import other_valid_bodies
from conformance.caller import LABEL, new_id
from conformance.errors import Skip
from conformance.provider import ProviderUnderTest
from conformance.response import Response
from conformance.rule import Finding, rule, warning, wrong
from conformance.sources import api, guide

SECTION = "Repeated requests"
_FIELD = "request_id"
ONCE = f"{api('schema ActionRequest', _FIELD)}; {guide('Starting an Action: The Action Request Document', _FIELD)}"

MADE_UP_BODIES = 4
"""How many made-up bodies are tried until the provider accepts one."""


@rule(SECTION, f"{ONCE}; {api('POST /run', 'response 200')}")
def a_repeated_request_starts_no_second_action(provider: ProviderUnderTest) -> Iterator[Finding]:
    """The same request_id with the same content, sent again, is answered with 200 and the action that it started."""
    first = provider.first
    response = provider.creator.run(provider.first_request_id)
    yield from repeat_faults(first["action_id"], provider.first_run, response)


@rule(SECTION, ONCE)
def a_request_repeated_after_the_end_starts_no_second_action(provider: ProviderUnderTest) -> Iterator[Finding]:
    """The same request, sent again once its action is complete, is answered with that complete action."""
    ended = provider.ended
    response = provider.creator.run(provider.first_request_id)
    yield from repeat_faults(ended["action_id"], provider.first_run, response)
    if response.object.get("action_id") == ended["action_id"] and response.object.get("status") != ended["status"]:
        yield wrong("the repeated request shows the action in another state than its status", response)


def repeat_faults(action_id: str, first: Response, again: Response) -> Iterator[Finding]:
    """Yield what is wrong with the response to a repeated request."""
    if not again.is_success:
        yield wrong(f"a repeated request is answered with {again.code}", first, again)
    elif again.object.get("action_id") != action_id:
        yield wrong("a repeated request_id starts a second action", first, again)
    elif again.code != 200:
        yield warning(f"a repeated request is answered with {again.code} instead of 200", again)


@rule(SECTION, ONCE, title="A request ID with different content is refused")
def a_request_id_with_another_content_is_refused(provider: ProviderUnderTest) -> Iterator[Finding]:
    """The same request_id with another body is refused, preferably with 409, and starts nothing."""
    provider.require_start()
    body = accepted_other_body(provider)
    request_id = new_id()
    first = provider.creator.run(request_id)
    provider.action_of(first)
    again = provider.creator.run(request_id, body=body)
    if again.is_success:
        is_same = again.object.get("action_id") == first.object.get("action_id")
        does = "is answered as if it were the same request" if is_same else "starts a second action"
        yield wrong(f"the same request_id with another body {does}", first, again)
    elif again.code not in (400, 409, 422):
        yield wrong(f"the same request_id with another body is answered with {again.code}", again)


def accepted_other_body(provider: ProviderUnderTest) -> Document:
    """Return a second body that the provider accepts with a request_id of its own.

    :raises Skip: there is none, so that refusing it together with a known request_id would show nothing.
    """
    given = provider.given_other_body
    tried = 0
    for body in [given] if given is not None else islice(_made_up_bodies(provider), MADE_UP_BODIES):
        tried += 1
        if (response := provider.creator.run(body=body)).is_success:
            return body
    if given is not None:
        raise Skip(f"the provider does not accept the body of --other-body: {response}")
    found = f"none of {tried} made-up bodies is accepted" if tried else "no other valid body was found"
    raise Skip(f"{found}: give one with --other-body")


def _made_up_bodies(provider: ProviderUnderTest) -> Iterator[Document]:
    schema = provider.description.get("input_schema")
    try:
        yield from other_valid_bodies(schema if isinstance(schema, dict) else {}, provider.body)
    except ValueError as error:
        raise Skip("the input_schema cannot be used: give another body with --other-body") from error


@rule(SECTION, ONCE, title="A request ID with a different label is refused")
def a_request_id_with_another_label_is_refused(provider: ProviderUnderTest) -> Iterator[Finding]:
    """Recommended: the same request_id with the same body and another label is refused as well."""
    provider.require_start()
    request_id = new_id()
    first = provider.creator.run(request_id, label=LABEL)
    provider.action_of(first)
    again = provider.creator.run(request_id, label="another label")
    if again.is_success:
        yield warning("the same request_id with another label is not refused", first, again)


@rule(
    SECTION,
    f"{ONCE}; {api('GET /{action_id}/status', 'response 403')}",
    title="A request ID is not shared between users",
)
def a_request_id_is_not_shared_between_people(provider: ProviderUnderTest) -> Iterator[Finding]:
    """Another user's request with the same request_id does not show the first user's action."""
    first, other = provider.first, provider.other_user.caller
    if provider.other_user.first_run is None or not provider.other_user.first_run.is_success:
        raise Skip("the other user cannot start actions here")
    response = other.run(provider.first_request_id)
    if response.is_success and response.object.get("action_id") == first["action_id"]:
        yield wrong("another user's request with the same request_id gets the first user's action", response)
    elif response.code >= 500:
        yield wrong("another user's request with the same request_id makes the provider fail", response)
    elif not response.is_success:
        yield warning("another user's request with the same request_id is refused", response)
