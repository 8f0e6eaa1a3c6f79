"""Requests that are invalid, and must start nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from conformance.bodies import invalid_bodies
from conformance.caller import new_id
from conformance.errors import Skip
from conformance.provider import ProviderUnderTest
from conformance.response import Response
from conformance.rule import Finding, rule, warning, wrong
from conformance.rules.run import REQUEST, SECTION
from conformance.sources import api, guide

INVALID = api("POST /run", "response 400")


def refusal_faults(response: Response, what: str) -> Iterator[Finding]:
    """Yield what is wrong with the response to an invalid request."""
    if response.is_success:
        yield wrong(f"{what} starts an action", response)
    elif response.code == 422:
        yield warning(f"{what} is answered with 422 instead of 400", response)
    elif response.code != 400:
        yield wrong(f"{what} is answered with {response.code} instead of 400", response)


def refusals(provider: ProviderUnderTest, requests: Mapping[str, Any]) -> Iterator[Finding]:
    """Send each of these requests, named in words: bytes as they are, anything else as JSON."""
    provider.require_start()
    for what, request in requests.items():
        data = request if isinstance(request, bytes) else json.dumps(request).encode()
        yield from refusal_faults(provider.creator.post_run(data), what)


@rule(SECTION, f"{INVALID}; {REQUEST}, required", title="A request without a request_id is refused")
def a_request_without_request_id_is_refused(provider: ProviderUnderTest) -> Iterator[Finding]:
    """A request without request_id is answered with 400, and starts nothing."""
    yield from refusals(provider, {"a request without request_id": {"body": provider.body}})


@rule(SECTION, f"{INVALID}; {REQUEST}, required", title="A request without a body is refused")
def a_request_without_body_is_refused(provider: ProviderUnderTest) -> Iterator[Finding]:
    """A request without body is answered with 400, and starts nothing."""
    yield from refusals(provider, {"a request without body": {"request_id": new_id()}})


@rule(SECTION, f"{INVALID}; {REQUEST}, body", title="A body that is not an object is refused")
def a_body_that_is_no_object_is_refused(provider: ProviderUnderTest) -> Iterator[Finding]:
    """A request whose body is not a JSON object is answered with 400, and starts nothing."""
    bodies = {"a body that is a text": "a text", "a body that is a list": [1], "a body that is null": None}
    yield from refusals(provider, {what: {"request_id": new_id(), "body": body} for what, body in bodies.items()})


@rule(
    SECTION,
    f"{INVALID}; {guide('Starting an Action: The Action Request Document', 'body')}",
    title="A body that violates the input schema is refused",
)
def a_body_against_the_input_schema_is_refused(provider: ProviderUnderTest) -> Iterator[Finding]:
    """A request whose body the provider's input_schema forbids is answered with 400, and starts nothing."""
    try:
        bodies = invalid_bodies(provider.input_schema, provider.body)
    except ValueError as error:
        raise Skip("the input_schema cannot be used") from error
    if not bodies:
        raise Skip("no body was found that the input_schema forbids")
    requests = {f"a body {fault}": {"request_id": new_id(), "body": body} for fault, body in bodies.items()}
    yield from refusals(provider, requests)


@rule(SECTION, INVALID, title="A request that is not JSON is refused")
def what_is_no_json_is_refused(provider: ProviderUnderTest) -> Iterator[Finding]:
    """A request that is not JSON is answered with 400, and starts nothing."""
    yield from refusals(provider, {"a request that is not JSON": b'{"request_id": "a', "an empty request": b""})


@rule(SECTION, f"{INVALID}; {REQUEST}", title="A request that is not an object is refused")
def what_is_no_object_is_refused(provider: ProviderUnderTest) -> Iterator[Finding]:
    """A request that is JSON but not an object is answered with 400, and starts nothing."""
    requests: dict[str, Any] = {
        "a request that is a list": [],
        "a request that is a text": "text",
        "a request that is null": None,
    }
    yield from refusals(provider, requests)


@rule(
    SECTION,
    f"{REQUEST}: additionalProperties, label, monitor_by, request_id",
    title="Unknown and malformed fields are refused",
)
def fields_of_a_wrong_form_are_refused(provider: ProviderUnderTest) -> Iterator[Finding]:
    """Recommended, because it protects against typos: fields that the interface does not know, or that do not have the
    form that it defines, are answered with 400. In any case the provider must not fail."""
    provider.require_start()
    odd: dict[str, dict[str, Any]] = {
        "an unknown field": {"no_such_field": 1},
        "a label of 65 characters": {"label": "x" * 65},
        "a monitor_by that is not a list of principal URNs": {"monitor_by": ["nobody"]},
        "a release_after that is not a duration": {"release_after": "a while"},
        "a deadline that is not a time": {"deadline": "soon"},
        "a request_id that is a number": {"request_id": 12345},
    }
    for what, fields in odd.items():
        request = {"request_id": new_id(), "body": provider.body, **fields}
        response = provider.creator.post_run(json.dumps(request).encode())
        if response.is_success:
            provider.tolerated.append(response)
            yield warning(f"{what} is accepted silently", response)
        else:
            yield from refusal_faults(response, what)
