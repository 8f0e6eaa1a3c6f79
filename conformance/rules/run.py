"""Starting actions, and requests that are invalid."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from conformance.bodies import invalid_bodies
from conformance.caller import LABEL, new_id
from conformance.documents import COMPLETE
from conformance.errors import Skip
from conformance.provider import ProviderUnderTest
from conformance.response import Response
from conformance.rule import Finding, rule, warning, wrong
from conformance.sources import api, guide

SECTION = "Starting actions"
INVALID = api("POST /run", "response 400")
REQUEST = api("schema ActionRequest")


@rule(SECTION, api("POST /run", "response 202"))
def a_valid_request_starts_an_action(provider: ProviderUnderTest) -> Iterator[Finding]:
    """POST /run answers 202 with the status of a new action, or 200 if the action is already complete."""
    response = provider.first_run
    if response.code not in (200, 202):
        yield wrong(f"a valid request is answered with {response.code}", response)
    elif not response.object.get("action_id"):
        yield wrong("the response has no action_id", response)
    elif response.code == 200 and response.object.get("status") not in COMPLETE:
        yield wrong("a new action that is not complete is answered with 200, which is for repeated requests", response)


@rule(
    SECTION,
    guide("Monitoring and Managing an Action: The Action Status Document", "start_time"),
    title="A second request starts a second action",
)
def another_request_starts_another_action(provider: ProviderUnderTest) -> Iterator[Finding]:
    """Two requests with different request_ids are two actions, each with an action_id of its own."""
    first = provider.first
    response = provider.creator.run()
    if provider.action_of(response)["action_id"] == first["action_id"]:
        yield wrong("two requests with different request_ids got one action", provider.first_run, response)


@rule(SECTION, f"{REQUEST}, label; {api('schema ActionStatus', 'label')}", title="A label is accepted and shown")
def a_label_is_taken_and_shown(provider: ProviderUnderTest) -> Iterator[Finding]:
    """A request can have a label, and the status of its action shows it."""
    provider.require_start()
    response = provider.creator.run(label=LABEL)
    if not response.is_success:
        yield wrong("a request with a label is not accepted", response)
    elif (shown := response.object.get("label")) is None:
        yield warning("the status does not show the label", response)
    elif shown != LABEL:
        yield wrong("the status shows another label than the request's", response)


@rule(
    SECTION,
    guide("Starting an Action: The Action Request Document", "manage_by and monitor_by"),
    title="Monitors and managers are accepted and shown",
)
def monitors_and_managers_are_taken_and_shown(provider: ProviderUnderTest) -> Iterator[Finding]:
    """A request can name who can see and who can manage its action, or have empty lists; the status shows the names."""
    principal = provider.first.get("creator_id")
    if not isinstance(principal, str):
        raise Skip("the creator_id of the first action is not known")
    empty, named = (
        provider.creator.run(monitor_by=[], manage_by=[]),
        provider.creator.run(monitor_by=[principal], manage_by=[principal]),
    )
    for response in (empty, named):
        if not response.is_success:
            yield wrong("a request with monitor_by and manage_by is not accepted", response)
    for field in ("monitor_by", "manage_by") if named.is_success else ():
        shown = named.object.get(field)
        if shown is None:
            yield warning(f"the status does not show {field}", named)
        elif not isinstance(shown, list) or principal not in shown:
            yield wrong(f"the status shows another {field} than the request's", named)


@rule(
    SECTION,
    f"{REQUEST}, release_after; {api('schema ActionStatus', 'release_after')}",
    title="The retention time (release_after) is accepted and shown",
)
def how_long_to_keep_an_action_is_taken_and_shown(provider: ProviderUnderTest) -> Iterator[Finding]:
    """A request can say how long its action is kept after its end; the status shows how long it will be."""
    provider.require_start()
    response = provider.creator.run(release_after="P1D")
    if not response.is_success:
        yield wrong("a request with release_after is not accepted", response)
    elif response.object.get("release_after") is None:
        yield warning("the status does not show release_after", response)


@rule(SECTION, f"{REQUEST}, deadline", title="A deadline is accepted")
def a_deadline_is_taken(provider: ProviderUnderTest) -> Iterator[Finding]:
    """A request can have a deadline. It can be refused with 400 if the action would take longer."""
    provider.require_start()
    deadline = (datetime.now(UTC) + timedelta(hours=12)).replace(microsecond=0).isoformat()
    response = provider.creator.run(deadline=deadline)
    if response.code in (400, 422):
        yield warning("a deadline in twelve hours is refused", response)
    elif not response.is_success:
        yield wrong(f"a request with a deadline is answered with {response.code}", response)


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
