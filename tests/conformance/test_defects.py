"""Each rule is kept by a correct provider and broken by one with a defect: seen on a small provider of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from werkzeug.wrappers import Response

from conformance.rule import RULES, Outcome, Result, try_rule
from conformance.subject import Subject
from conformance.suite import run
from tests.conformance.example_provider import (
    ANNE,
    BERT,
    DESCRIPTION,
    PEOPLE,
    Answer,
    Call,
    ExampleProvider,
    Tamper,
    serving,
)

HOUR = 3600


@contextmanager
def trying(provider: ExampleProvider, **options: Any) -> Iterator[Subject]:
    with serving(provider) as url:
        yield Subject(url, ANNE, {"text": "hello"}, **{"other_token": BERT, "wait_seconds": 5, **options})


def outcomes(results: Any, outcome: Outcome) -> set[str]:
    return {result.rule.name for result in results if result.outcome == outcome}


def code(operation: str, old: int, new: int) -> Tamper:
    """The operation answers with another code."""
    return lambda call, code, document: (new if (call.operation, code) == (operation, old) else code, document)


def every_code(old: int, new: int) -> Tamper:
    return lambda _call, code, document: (new if code == old else code, document)


def fields(operations: str, **changed: Any) -> Tamper:
    """Successful answers of these operations have other fields; None takes one away, ... makes it null."""

    def tamper(call: Call, code: int, document: Any) -> Answer:
        if call.operation in operations.split() and code < 300:
            document = {name: value for name, value in {**document, **changed}.items() if value is not None}
            document = {name: None if value is ... else value for name, value in document.items()}
        return code, document

    return tamper


def once_complete(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Tamper:
    """The status of a complete action is shown otherwise."""

    def tamper(call: Call, code: int, document: Any) -> Answer:
        is_complete = call.operation == "status" and document.get("status") in ("SUCCEEDED", "FAILED")
        return code, {**document, **change(document)} if is_complete else document

    return tamper


def raw(operation: str, content: str, content_type: str = "application/json", status: int = 200) -> Tamper:
    """The operation answers with this."""
    return lambda call, code, document: (
        Response(content, status, content_type=content_type) if call.operation == operation else (code, document)
    )


def crash_on(operation: str, part: bytes) -> Tamper:
    """A request that has this in it makes the provider fail."""
    return lambda call, code, document: (
        (500, {}) if call.operation == operation and part in call.data + call.action_id.encode() else (code, document)
    )


def not_for(caller: str | None, operation: str, new: int) -> Tamper:
    return lambda call, code, document: (
        (new, {}) if (call.caller, call.operation) == (caller, operation) else (code, document)
    )


def takes(part: bytes) -> Tamper:
    """A request that has this in it is taken, whatever else is in it."""
    taken = {"action_id": "taken", "status": "ACTIVE", "details": {}, "creator_id": "urn:…"}
    return lambda call, code, document: (202, taken) if code == 400 and part in call.data else (code, document)


def open_to(who: Callable[[Call], bool], operation: str) -> Tamper:
    """Whoever this is can do that, as far as the answer goes."""
    return lambda call, code, document: (200, {}) if call.operation == operation and who(call) else (code, document)


class Changing:
    """A number that differs each time it is asked for."""

    def __init__(self) -> None:
        self.number = 0

    def __call__(self, _document: dict[str, Any]) -> dict[str, Any]:
        self.number += 1
        return {"details": {"number": self.number}}


def is_nobody(call: Call) -> bool:
    return call.caller is None


def no_www_authenticate(_call: Call, code: int, document: Any) -> Any:
    return Response("{}", 401, content_type="application/json") if code == 401 else (code, document)


def forgets_creators(call: Call, code: int, document: Any) -> Answer:
    """Whoever starts an action for others cannot see it."""
    is_for_others = code == 200 and call.operation == "status" and call.caller not in document["monitor_by"]
    return (404, {}) if is_for_others else (code, document)


def enumerates_both(call: Call, code: int, document: Any) -> Answer:
    if call.operation == "actions" and isinstance(document, list):
        return code, [{"action_id": "x", "status": "FAILED"}, {"action_id": "y", "status": "ACTIVE"}]
    return code, document


class RemembersForEver:
    """After a release, requests are refused whose id is known."""

    def __init__(self) -> None:
        self.known: set[str] = set()

    def __call__(self, call: Call, code: int, document: Any) -> Answer:
        if call.operation != "run" or code != 202:
            return code, document
        request_id = json.loads(call.data)["request_id"]
        is_known = request_id in self.known
        self.known.add(request_id)
        return (409, {}) if is_known else (code, document)


DEFECTS: list[tuple[str, str, dict[str, Any]]] = [
    # what is wrong with the provider; the rule that names it; the provider
    ("introspection fails", "introspection_answers_with_a_description", {"tamper": code("introspect", 200, 500)}),
    ("introspection is HTML", "introspection_answers_with_a_description", {"tamper": raw("introspect", "<html>")}),
    ("introspection is a list", "introspection_answers_with_a_description", {"tamper": raw("introspect", "[1]")}),
    ("no title", "the_description_has_the_form_of_the_interface", {"tamper": fields("introspect", title=None)}),
    (
        "synchronous is a text",
        "the_description_has_the_form_of_the_interface",
        {"tamper": fields("introspect", synchronous="no")},
    ),
    (
        "api_version 2",
        "the_description_has_the_form_of_the_interface",
        {"tamper": fields("introspect", api_version="2")},
    ),
    (
        "a broken schema",
        "the_input_schema_is_a_json_schema",
        {"tamper": fields("introspect", input_schema={"type": "text"})},
    ),
    (
        "introspection fails for nobody",
        "who_may_introspect_is_as_the_description_says",
        {"tamper": not_for(None, "introspect", 500)},
    ),
    ("run answers 201", "a_valid_request_starts_an_action", {"tamper": code("run", 202, 201)}),
    ("run answers 200", "a_valid_request_starts_an_action", {"tamper": code("run", 202, 200), "seconds": HOUR}),
    ("run fails", "a_valid_request_starts_an_action", {"tamper": code("run", 202, 500)}),
    ("run answers HTML", "a_valid_request_starts_an_action", {"tamper": raw("run", "<html>", "text/html", 202)}),
    ("no action_id", "a_valid_request_starts_an_action", {"tamper": fields("run", action_id=None)}),
    (
        "not synchronous",
        "a_synchronous_provider_answers_with_the_end",
        {"tamper": fields("introspect", synchronous=True)},
    ),
    ("one action for all", "another_request_starts_another_action", {"tamper": fields("run", action_id="the one")}),
    ("labels refused", "a_label_is_taken_and_shown", {"tamper": crash_on("run", b'"label"')}),
    ("another label", "a_label_is_taken_and_shown", {"tamper": fields("run", label="mine")}),
    ("monitors refused", "monitors_and_managers_are_taken_and_shown", {"tamper": crash_on("run", b'"monitor_by"')}),
    ("monitors lost", "monitors_and_managers_are_taken_and_shown", {"tamper": fields("run", monitor_by=[])}),
    (
        "release_after refused",
        "how_long_to_keep_an_action_is_taken_and_shown",
        {"tamper": crash_on("run", b'"release_after"')},
    ),
    ("deadlines refused", "a_deadline_is_taken", {"tamper": crash_on("run", b'"deadline"')}),
    ("request_id optional", "a_request_without_request_id_is_refused", {"tamper": takes(b'{"body"')}),
    ("body optional", "a_request_without_body_is_refused", {"tamper": takes(b'{"request_id"')}),
    ("any body", "a_body_that_is_no_object_is_refused", {"tamper": takes(b'"body": "a text"')}),
    ("the schema is for show", "a_body_against_the_input_schema_is_refused", {"tamper": takes(b'"body": {}')}),
    ("bad input is 500", "a_body_against_the_input_schema_is_refused", {"tamper": every_code(400, 500)}),
    ("no JSON is 500", "what_is_no_json_is_refused", {"tamper": every_code(400, 500)}),
    ("a list is 500", "what_is_no_object_is_refused", {"tamper": every_code(400, 500)}),
    ("a wrong field is 500", "fields_of_a_wrong_form_are_refused", {"tamper": every_code(400, 500)}),
    ("status unknown at first", "status_shows_the_action", {"tamper": code("status", 200, 404)}),
    ("status of another", "status_shows_the_action", {"tamper": fields("status", action_id="another")}),
    ("unknown is 200", "an_unknown_action_is_not_found", {"tamper": code("status", 404, 200)}),
    ("unknown is 500", "an_unknown_action_is_not_found", {"tamper": code("release", 404, 500)}),
    ("unknown is 400", "an_unknown_action_is_not_found", {"tamper": code("cancel", 404, 400)}),
    ("an odd id is 500", "an_unknown_action_is_not_found", {"tamper": crash_on("status", b"no-such-action")}),
    (
        "released while active",
        "an_action_that_is_not_complete_cannot_be_released",
        {"defects": ["patience"], "seconds": HOUR},
    ),
    (
        "active release is 500",
        "an_action_that_is_not_complete_cannot_be_released",
        {"tamper": code("release", 409, 500), "seconds": HOUR},
    ),
    (
        "cancel fails",
        "an_action_that_is_not_complete_can_be_cancelled",
        {"tamper": code("cancel", 200, 500), "seconds": HOUR},
    ),
    (
        "cancel answers 202",
        "an_action_that_is_not_complete_can_be_cancelled",
        {"tamper": code("cancel", 200, 202), "seconds": HOUR},
    ),
    (
        "cancel answers nothing",
        "an_action_that_is_not_complete_can_be_cancelled",
        {"tamper": raw("cancel", "{}"), "seconds": HOUR},
    ),
    ("details change", "a_complete_action_does_not_change", {"tamper": once_complete(Changing())}),
    ("cancelled after the end", "cancel_of_a_complete_action_changes_nothing", {"defects": ["ends that stay"]}),
    ("cancel of an end is 500", "cancel_of_a_complete_action_changes_nothing", {"tamper": code("cancel", 409, 500)}),
    ("a second action", "a_repeated_request_starts_no_second_action", {"defects": ["memory of requests"]}),
    ("a repeat is 409", "a_repeated_request_starts_no_second_action", {"tamper": code("run", 200, 409)}),
    (
        "a second action after the end",
        "a_request_repeated_after_the_end_starts_no_second_action",
        {"defects": ["memory of requests"]},
    ),
    ("a race", "simultaneous_requests_start_one_action", {"defects": ["a lock"]}),
    (
        "other content, same action",
        "a_request_id_with_another_content_is_refused",
        {"defects": ["comparison of contents"]},
    ),
    (
        "other content, second action",
        "a_request_id_with_another_content_is_refused",
        {"defects": ["memory of requests"]},
    ),
    ("other content is 500", "a_request_id_with_another_content_is_refused", {"tamper": code("run", 409, 500)}),
    (
        "request_ids for all",
        "a_request_id_is_not_shared_between_people",
        {"defects": ["own request_ids"]},
    ),
    *(
        (
            f"{operation} without a token",
            "without_a_token_every_operation_is_refused",
            {"tamper": open_to(is_nobody, operation)},
        )
        for operation in ("run", "status", "cancel", "release", "log")
    ),
    ("403 for no token", "without_a_token_every_operation_is_refused", {"tamper": every_code(401, 403)}),
    ("403 for a bad token", "with_an_unknown_token_every_operation_is_refused", {"tamper": every_code(401, 403)}),
    ("500 for a bad token", "a_malformed_authorization_header_is_refused", {"tamper": every_code(401, 500)}),
    (
        "one creator",
        "the_creator_is_whoever_has_started_the_action",
        {"tamper": fields("run", creator_id=PEOPLE[ANNE])},
    ),
    ("everybody sees", "others_cannot_see_an_action", {"defects": ["access control"]}),
    ("401 for others", "others_cannot_see_an_action", {"tamper": code("status", 404, 401)}),
    ("everybody cancels", "others_cannot_cancel_an_action", {"defects": ["access control"]}),
    ("everybody releases", "others_cannot_release_an_action", {"defects": ["access control"]}),
    ("everybody reads logs", "others_cannot_read_the_log", {"defects": ["access control"]}),
    ("monitors are blind", "monitors_can_see_an_action", {"tamper": not_for(PEOPLE[BERT], "status", 404)}),
    (
        "monitors cancel",
        "monitors_cannot_cancel_or_release_an_action",
        {"defects": ["access control"], "seconds": HOUR},
    ),
    ("managers cannot", "managers_can_cancel_and_release_an_action", {"tamper": not_for(PEOPLE[BERT], "release", 403)}),
    ("creators forgotten", "creators_need_not_name_themselves", {"tamper": forgets_creators}),
    ("the log fails", "the_log_has_what_has_happened", {"tamper": code("log", 200, 500)}),
    ("a log without times", "the_log_has_what_has_happened", {"tamper": raw("log", '[{"code": "A"}]')}),
    ("enumerates what has ended", "enumeration_lists_the_active_actions_of_the_caller", {"tamper": enumerates_both}),
    ("enumerates against the filter", "enumeration_filters_by_status", {"tamper": enumerates_both}),
    ("enumerates for all", "enumeration_does_not_list_what_others_have", {"defects": ["access control"]}),
    ("enumerates for nobody", "enumeration_needs_a_token", {"tamper": open_to(is_nobody, "actions")}),
    ("release fails", "a_complete_action_can_be_released", {"tamper": code("release", 200, 500)}),
    ("release is empty", "a_complete_action_can_be_released", {"tamper": raw("release", "{}")}),
    ("released and there", "a_released_action_is_not_found", {"defects": ["forgetting"]}),
    ("released is 500", "a_released_action_is_not_found", {"tamper": every_code(404, 500)}),
    ("no details", "every_status_has_the_form_of_the_interface", {"tamper": fields("run", details=None)}),
    ("details are a text", "every_status_has_the_form_of_the_interface", {"tamper": fields("status", details="done")}),
    ("a status of its own", "every_status_has_the_form_of_the_interface", {"tamper": fields("status", status="DONE")}),
    ("no creator", "every_status_has_the_form_of_the_interface", {"tamper": fields("run", creator_id=None)}),
    ("a creator's name", "every_status_has_the_form_of_the_interface", {"tamper": fields("run", creator_id="anne")}),
    (
        "a blank in times",
        "every_status_has_the_form_of_the_interface",
        {"tamper": fields("run", start_time="2026-01-01 00:00:00Z")},
    ),
    (
        "no offset",
        "every_status_has_the_form_of_the_interface",
        {"tamper": fields("run", start_time="2026-01-01T00:00:00")},
    ),
    (
        "ended before",
        "every_status_has_the_form_of_the_interface",
        {"tamper": once_complete(lambda _: {"completion_time": "1999-01-01T00:00:00Z"})},
    ),
    ("a list", "every_status_has_the_form_of_the_interface", {"tamper": raw("status", "[1]")}),
    ("JSON as text", "every_success_is_json", {"tamper": raw("status", "{}", "text/plain")}),
    ("broken JSON", "every_success_is_json", {"tamper": raw("status", '{"action_id": ')}),
    ("500 now and then", "nothing_makes_the_provider_fail", {"tamper": crash_on("status", b"no-such-action")}),
]

WARNINGS: list[tuple[str, str, dict[str, Any]]] = [
    ("seconds", "every_status_has_the_form_of_the_interface", {"tamper": fields("run", release_after=3600)}),
    (
        "no end in time",
        "an_action_comes_to_an_end",
        {"seconds": HOUR},
    ),
    ("no schema", "the_input_schema_is_a_json_schema", {"tamper": fields("introspect", input_schema=None)}),
    (
        "null fields",
        "every_status_has_the_form_of_the_interface",
        {"tamper": fields("run status", completion_time=...)},
    ),
    ("422", "a_request_without_body_is_refused", {"tamper": every_code(400, 422)}),
    ("a repeat is 202", "a_repeated_request_starts_no_second_action", {"tamper": code("run", 200, 202)}),
    ("other label", "a_request_id_with_another_label_is_refused", {"defects": ["comparison of contents"]}),
    ("no scheme", "a_refusal_names_the_scheme", {"tamper": no_www_authenticate}),
    (
        "HTML errors",
        "every_error_is_json",
        {"tamper": lambda _call, code, document: Response("<p>", code) if code > 399 else (code, document)},
    ),
    ("typos are taken", "fields_of_a_wrong_form_are_refused", {"tamper": takes(b"no_such_field")}),
    (
        "private and open",
        "who_may_introspect_is_as_the_description_says",
        {"tamper": fields("introspect", visible_to=[PEOPLE[ANNE]])},
    ),
    ("no CORS", "web_pages_may_introspect", {"tamper": raw("introspect", json.dumps(DESCRIPTION))}),
    ("no end", "an_action_comes_to_an_end", {"tamper": fields("status", completion_time=None)}),
    ("a request for ever", "a_request_repeated_after_the_release_starts_anew", {"tamper": RemembersForEver()}),
]

NO_DEFECT_HERE = {"the_newer_paths_lead_to_the_same_actions"}
"""Tried on the toolkit's blueprint alone, which serves them."""


def look(it: Subject, name: str) -> Result:
    """The result of one rule, after those that a rule on all answers, or on what was released, builds on."""
    before = [rule for rule in RULES if rule.name in PRECEDING and PRECEDING.index(rule.name) < _place(name)]
    for rule in before:
        try_rule(rule, it)
    return try_rule(next(rule for rule in RULES if rule.name == name), it)


PRECEDING = [
    "a_valid_request_starts_an_action",
    "status_shows_the_action",
    "an_unknown_action_is_not_found",
    "a_request_without_body_is_refused",
    "without_a_token_every_operation_is_refused",
    "a_complete_action_does_not_change",
    "a_complete_action_can_be_released",
]
LATE = [rule.name for rule in RULES if rule.section in ("Release", "All answers")] + ["a_refusal_names_the_scheme"]


def _place(name: str) -> int:
    if name in PRECEDING:
        return PRECEDING.index(name)
    return len(PRECEDING) if name in LATE else 0


@pytest.mark.parametrize(("rule", "defect"), [row[1:] for row in DEFECTS], ids=[row[0] for row in DEFECTS])
def test_a_defect_is_named(rule: str, defect: dict[str, Any]) -> None:
    with trying(ExampleProvider(**defect)) as it:
        assert look(it, rule).outcome == Outcome.WRONG


@pytest.mark.parametrize(("rule", "lapse"), [row[1:] for row in WARNINGS], ids=[row[0] for row in WARNINGS])
def test_a_lapse_is_a_warning(rule: str, lapse: dict[str, Any]) -> None:
    with trying(ExampleProvider(**lapse), wait_seconds=0.5) as it:
        assert look(it, rule).outcome == Outcome.WARNING


def test_every_rule_was_seen_broken() -> None:
    assert {row[1] for row in DEFECTS + WARNINGS} | NO_DEFECT_HERE == {rule.name for rule in RULES}


@pytest.mark.parametrize("seconds", [0, 0.1], ids=["at once", "after a while"])
def test_a_correct_provider_passes(seconds: float) -> None:
    provider = ExampleProvider(seconds=seconds)
    with trying(provider) as it:
        results, left = run(it, say=lambda _text: None)
    assert outcomes(results, Outcome.WRONG) | outcomes(results, Outcome.WARNING) == set()
    needs_time = {
        "an_action_that_is_not_complete_cannot_be_released",
        "an_action_that_is_not_complete_can_be_cancelled",
    }
    skipped = needs_time if seconds == 0 else {"a_synchronous_provider_answers_with_the_end"}
    assert outcomes(results, Outcome.SKIPPED) == skipped | NO_DEFECT_HERE
    assert (left, provider.actions) == ([], {})


def test_a_provider_that_takes_more_than_it_must_passes() -> None:
    """It shows the odd fields that it takes, which is no fault of its statuses."""
    with trying(ExampleProvider(defects=["strictness"])) as it:
        results, _ = run(it, say=lambda _text: None)
    assert outcomes(results, Outcome.WRONG) == set()
    assert outcomes(results, Outcome.WARNING) == {"fields_of_a_wrong_form_are_refused"}


def test_without_a_schema_another_content_is_made_from_the_body() -> None:
    tamper = fields("introspect", input_schema=None)
    with trying(ExampleProvider(tamper=tamper, defects=["comparison of contents"])) as it:
        assert look(it, "a_request_id_with_another_content_is_refused").outcome == Outcome.WRONG


def test_without_another_token_what_others_may_do_is_skipped() -> None:
    with trying(ExampleProvider(), other_token=None) as it:
        results, _ = run(it, say=lambda _text: None)
    assert outcomes(results, Outcome.WRONG) == set()
    assert {rule.name for rule in RULES if rule.section == "Other people"} < outcomes(results, Outcome.SKIPPED)


def test_an_action_without_an_end_is_cancelled_for_want_of_time() -> None:
    with trying(ExampleProvider(seconds=HOUR), wait_seconds=0.2) as it:
        assert it.ended["details"] == {"error": "CANCELLED"}


def test_an_end_that_never_comes_is_said() -> None:
    with trying(ExampleProvider(seconds=HOUR, defects=["cancellation"]), wait_seconds=0.2) as it:
        result = look(it, "an_action_comes_to_an_end")
    assert result.outcome == Outcome.SKIPPED
    assert result.reason == "the end of an action could not be seen within 0.2 s: raise --timeout"
