"""Starting actions, and what is no request to start one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from conformance.bodies import invalid_bodies
from conformance.caller import LABEL, new_id
from conformance.documents import COMPLETE
from conformance.rule import Finding, Skip, rule, warning, wrong
from conformance.sources import api, guide
from conformance.subject import Subject
from conformance.wire import Answer

SECTION = "Starting actions"
INVALID = api("POST /run", "response 400")
REQUEST = api("schema ActionRequest")


@rule(SECTION, api("POST /run", "response 202"))
def a_valid_request_starts_an_action(it: Subject) -> Iterator[Finding]:
    """POST /run answers 202 with the status of a new action, or 200 where the action is complete already."""
    answer = it.first_run
    if answer.code not in (200, 202):
        yield wrong(f"a valid request is answered with {answer.code}", answer)
    elif not answer.object.get("action_id"):
        yield wrong("the answer has no action_id", answer)
    elif answer.code == 200 and answer.object.get("status") not in COMPLETE:
        yield wrong("a new action that is not complete is answered with 200, which is for repeated requests", answer)


@rule(SECTION, api("schema ProviderDescription", "synchronous"))
def a_synchronous_provider_answers_with_the_end(it: Subject) -> Iterator[Finding]:
    """Where the description says synchronous, POST /run always answers SUCCEEDED or FAILED."""
    if it.description.get("synchronous") is not True:
        raise Skip("the provider does not call itself synchronous")
    if it.first["status"] not in COMPLETE:
        yield wrong(f"the provider calls itself synchronous, and answers {it.first['status']}", it.first_run)


@rule(SECTION, guide("Monitoring and Managing an Action: The Action Status Document", "start_time"))
def another_request_starts_another_action(it: Subject) -> Iterator[Finding]:
    """Two requests with different request_ids are two actions, each with an action_id of its own."""
    first = it.first
    answer = it.me.run()
    if it.action_of(answer)["action_id"] == first["action_id"]:
        yield wrong("two requests with different request_ids got one action", it.first_run, answer)


@rule(SECTION, f"{REQUEST}, label; {api('schema ActionStatus', 'label')}")
def a_label_is_taken_and_shown(it: Subject) -> Iterator[Finding]:
    """A request may have a label, and the action's status shows it."""
    it.require_start()
    answer = it.me.run(label=LABEL)
    if not answer.is_success:
        yield wrong("a request with a label is not taken", answer)
    elif (shown := answer.object.get("label")) is None:
        yield warning("the status does not show the label", answer)
    elif shown != LABEL:
        yield wrong("the status shows another label than the request's", answer)


@rule(SECTION, guide("Starting an Action: The Action Request Document", "manage_by and monitor_by"))
def monitors_and_managers_are_taken_and_shown(it: Subject) -> Iterator[Finding]:
    """A request may name those who may see and manage its action, or have empty lists; the status shows the names."""
    principal = it.first.get("creator_id")
    if not isinstance(principal, str):
        raise Skip("the creator_id of the first action is not known")
    empty, named = it.me.run(monitor_by=[], manage_by=[]), it.me.run(monitor_by=[principal], manage_by=[principal])
    for answer in (empty, named):
        if not answer.is_success:
            yield wrong("a request with monitor_by and manage_by is not taken", answer)
    for field in ("monitor_by", "manage_by") if named.is_success else ():
        shown = named.object.get(field)
        if shown is None:
            yield warning(f"the status does not show {field}", named)
        elif not isinstance(shown, list) or principal not in shown:
            yield wrong(f"the status shows another {field} than the request's", named)


@rule(SECTION, f"{REQUEST}, release_after; {api('schema ActionStatus', 'release_after')}")
def how_long_to_keep_an_action_is_taken_and_shown(it: Subject) -> Iterator[Finding]:
    """A request may say how long its action is kept once it is complete; the status shows how long it will be."""
    it.require_start()
    answer = it.me.run(release_after="P1D")
    if not answer.is_success:
        yield wrong("a request with release_after is not taken", answer)
    elif answer.object.get("release_after") is None:
        yield warning("the status does not show release_after", answer)


@rule(SECTION, f"{REQUEST}, deadline")
def a_deadline_is_taken(it: Subject) -> Iterator[Finding]:
    """A request may have a deadline. It may be refused with 400 where the action would take longer."""
    it.require_start()
    deadline = (datetime.now(UTC) + timedelta(hours=12)).replace(microsecond=0).isoformat()
    answer = it.me.run(deadline=deadline)
    if answer.code in (400, 422):
        yield warning("a deadline in twelve hours is refused", answer)
    elif not answer.is_success:
        yield wrong(f"a request with a deadline is answered with {answer.code}", answer)


def refusal_faults(answer: Answer, what: str) -> Iterator[Finding]:
    """Whether an invalid request was refused as the interface has it."""
    if answer.is_success:
        yield wrong(f"{what} starts an action", answer)
    elif answer.code == 422:
        yield warning(f"{what} is answered with 422, where the interface has 400", answer)
    elif answer.code != 400:
        yield wrong(f"{what} is answered with {answer.code}, where the interface has 400", answer)


def refusals(it: Subject, **requests: Any) -> Iterator[Finding]:
    """Send each of these: bytes as they are, anything else as JSON."""
    it.require_start()
    for what, request in requests.items():
        data = request if isinstance(request, bytes) else json.dumps(request).encode()
        yield from refusal_faults(it.me.post_run(data), what.replace("_", " "))


@rule(SECTION, f"{INVALID}; {REQUEST}, required")
def a_request_without_request_id_is_refused(it: Subject) -> Iterator[Finding]:
    """A request without request_id is answered with 400, and starts nothing."""
    yield from refusals(it, a_request_without_request_id={"body": it.body})


@rule(SECTION, f"{INVALID}; {REQUEST}, required")
def a_request_without_body_is_refused(it: Subject) -> Iterator[Finding]:
    """A request without body is answered with 400, and starts nothing."""
    yield from refusals(it, a_request_without_body={"request_id": new_id()})


@rule(SECTION, f"{INVALID}; {REQUEST}, body")
def a_body_that_is_no_object_is_refused(it: Subject) -> Iterator[Finding]:
    """A request whose body is something else than a JSON object is answered with 400, and starts nothing."""
    yield from refusals(
        it,
        a_body_that_is_a_text={"request_id": new_id(), "body": "a text"},
        a_body_that_is_a_list={"request_id": new_id(), "body": [1]},
        a_body_that_is_null={"request_id": new_id(), "body": None},
    )


@rule(SECTION, f"{INVALID}; {guide('Starting an Action: The Action Request Document', 'body')}")
def a_body_against_the_input_schema_is_refused(it: Subject) -> Iterator[Finding]:
    """A request whose body the provider's own input_schema forbids is answered with 400, and starts nothing."""
    try:
        bodies = invalid_bodies(it.input_schema, it.body)
    except ValueError as error:
        raise Skip("the input_schema cannot be used") from error
    if not bodies:
        raise Skip("no body was found that the input_schema forbids")
    for fault, body in bodies.items():
        yield from refusals(it, **{f"a body {fault}": {"request_id": new_id(), "body": body}})


@rule(SECTION, INVALID)
def what_is_no_json_is_refused(it: Subject) -> Iterator[Finding]:
    """A request that is not JSON is answered with 400, and starts nothing."""
    yield from refusals(it, a_request_that_is_no_JSON=b'{"request_id": "a', an_empty_request=b"")


@rule(SECTION, f"{INVALID}; {REQUEST}")
def what_is_no_object_is_refused(it: Subject) -> Iterator[Finding]:
    """A request that is JSON but no object is answered with 400, and starts nothing."""
    yield from refusals(it, a_request_that_is_a_list=[], a_request_that_is_a_text="text", a_request_that_is_null=None)


@rule(SECTION, f"{REQUEST}: additionalProperties, label, monitor_by, request_id")
def fields_of_a_wrong_form_are_refused(it: Subject) -> Iterator[Finding]:
    """Recommended, since a typo does no harm then: fields that the interface does not know, or which are not of the
    form that it gives them, are answered with 400. Whatever is done about them, the provider must not fail."""
    it.require_start()
    odd: dict[str, dict[str, Any]] = {
        "a field that the interface does not know": {"no_such_field": 1},
        "a label of 65 characters": {"label": "x" * 65},
        "a monitor_by that is no list of principal URNs": {"monitor_by": ["nobody"]},
        "a release_after that is no duration": {"release_after": "a while"},
        "a deadline that is no time": {"deadline": "soon"},
        "a request_id that is a number": {"request_id": 12345},
    }
    for what, fields in odd.items():
        request = {"request_id": new_id(), "body": it.body, **fields}
        answer = it.me.post_run(json.dumps(request).encode())
        if answer.is_success:
            it.odd_answers.append(answer)
            yield warning(f"{what} is taken in silence", answer)
        else:
            yield from refusal_faults(answer, what)
