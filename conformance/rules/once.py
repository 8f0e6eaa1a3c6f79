"""A request, repeated as often as one likes, is one action."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from conformance.bodies import other_valid_body
from conformance.caller import LABEL, new_id
from conformance.rule import Finding, Skip, rule, warning, wrong
from conformance.sources import api, guide
from conformance.subject import Subject
from conformance.wire import Answer

SECTION = "Repeated requests"
_FIELD = "request_id"
ONCE = f"{api('schema ActionRequest', _FIELD)}; {guide('Starting an Action: The Action Request Document', _FIELD)}"

AT_ONCE = 8
"""How many requests are sent at the same time."""


@rule(SECTION, f"{ONCE}; {api('POST /run', 'response 200')}")
def a_repeated_request_starts_no_second_action(it: Subject) -> Iterator[Finding]:
    """The same request_id with the same content, sent again, is answered with 200 and the action it has started."""
    first = it.first
    answer = it.me.run(it.first_request_id)
    yield from repeat_faults(first["action_id"], it.first_run, answer)


@rule(SECTION, ONCE)
def a_request_repeated_after_the_end_starts_no_second_action(it: Subject) -> Iterator[Finding]:
    """The same request, sent again once its action is complete, is answered with that action, complete as it is."""
    ended = it.ended
    answer = it.me.run(it.first_request_id)
    yield from repeat_faults(ended["action_id"], it.first_run, answer)
    if answer.object.get("action_id") == ended["action_id"] and answer.object.get("status") != ended["status"]:
        yield wrong("the repeat shows the action in another state than its status does", answer)


def repeat_faults(action_id: str, first: Answer, again: Answer) -> Iterator[Finding]:
    if not again.is_success:
        yield wrong(f"a repeated request is answered with {again.code}", first, again)
    elif again.object.get("action_id") != action_id:
        yield wrong("a repeated request_id starts a second action", first, again)
    elif again.code != 200:
        yield warning(f"a repeated request is answered with {again.code}, where the interface has 200", again)


@rule(SECTION, ONCE)
def simultaneous_requests_start_one_action(it: Subject) -> Iterator[Finding]:
    """The same request, sent several times at once, is one action for all of them."""
    it.require_start()
    request_id = new_id()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = [future.result() for future in [pool.submit(it.me.run, request_id) for _ in range(AT_ONCE)]]
    taken = {str(answer.object.get("action_id")): answer for answer in answers if answer.is_success}
    failed = [answer for answer in answers if answer.code >= 500]
    if len(taken) > 1:
        yield wrong(
            f"{AT_ONCE} simultaneous requests with one request_id started {len(taken)} actions", *taken.values()
        )
    if failed or not taken:
        yield wrong(f"of {AT_ONCE} simultaneous requests with one request_id, some failed", *(failed or answers)[:1])


@rule(SECTION, ONCE)
def a_request_id_with_another_content_is_refused(it: Subject) -> Iterator[Finding]:
    """The same request_id with another body is refused, best with 409, and starts nothing."""
    it.require_start()
    request_id, body = new_id(), other_body(it)
    first = it.me.run(request_id)
    it.action_of(first)
    again = it.me.run(request_id, body=body)
    if again.is_success:
        same = again.object.get("action_id") == first.object.get("action_id")
        does = "is answered as if it were the same request" if same else "starts a second action"
        yield wrong(f"the same request_id with another body {does}", first, again)
    elif again.code not in (400, 409, 422):
        yield wrong(f"the same request_id with another body is answered with {again.code}", again)


def other_body(it: Subject) -> dict[str, object]:
    if it.given_other_body is not None:
        return it.given_other_body
    schema = it.description.get("input_schema")
    try:
        body = other_valid_body(schema if isinstance(schema, dict) else {}, it.body)
    except ValueError as error:
        raise Skip("the input_schema cannot be used: give another body with --other-body") from error
    if body is None:
        raise Skip("no other body was found that is valid by the input_schema: give one with --other-body")
    return body


@rule(SECTION, ONCE)
def a_request_id_with_another_label_is_refused(it: Subject) -> Iterator[Finding]:
    """Recommended: the same request_id with the same body and another label is refused as well."""
    it.require_start()
    request_id = new_id()
    first = it.me.run(request_id, label=LABEL)
    it.action_of(first)
    again = it.me.run(request_id, label="another label")
    if again.is_success:
        yield warning("the same request_id with another label is not refused", first, again)


@rule(SECTION, f"{ONCE}; {api('GET /{action_id}/status', 'response 403')}")
def a_request_id_is_not_shared_between_people(it: Subject) -> Iterator[Finding]:
    """Somebody else's request with the same request_id does not show the first one's action."""
    first, other = it.first, it.other
    answer = other.run(it.first_request_id)
    if answer.is_success and answer.object.get("action_id") == first["action_id"]:
        yield wrong("somebody else's request with the same request_id is answered with the first one's action", answer)
    elif answer.code >= 500:
        yield wrong("somebody else's request with the same request_id makes the provider fail", answer)
