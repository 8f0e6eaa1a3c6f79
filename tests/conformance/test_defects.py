"""A correct provider passes each rule, and one with a defect fails it; tested with a small provider."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from werkzeug.wrappers import Response

from conformance.rule import RULES, Outcome
from tests.conformance.example_provider import ANNE, BERT, DESCRIPTION, PEOPLE, ExampleProvider
from tests.conformance.tampers import (
    HOUR,
    Changing,
    NowAndThen,
    RemembersForever,
    check,
    check_all,
    code,
    crash_on,
    enumerates_both,
    every_code,
    fields,
    forgets_creators,
    is_nobody,
    no_www_authenticate,
    not_for,
    once_complete,
    open_to,
    outcomes,
    raw,
    suite_on,
    takes,
)

WAITS = {"code": "ApprovalRequired", "description": "A manager must resume this action."}

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
    ("an end that changes", "a_complete_action_never_changes_again", {"tamper": once_complete(Changing())}),
    (
        "a display_status that changes after the end",
        "a_complete_action_does_not_change",
        {"tamper": once_complete(lambda document: {"display_status": str(time.monotonic_ns())})},
    ),
    (
        "cancel and status disagree",
        "an_action_that_is_not_complete_can_be_cancelled",
        {"tamper": fields("cancel", status="SUCCEEDED"), "seconds": HOUR},
    ),
    (
        "release shows another end",
        "a_complete_action_never_changes_again",
        {"tamper": fields("release", status="FAILED"), "seconds": 0},
    ),
    (
        "not always synchronous",
        "a_synchronous_provider_answers_with_the_end",
        {"tamper": NowAndThen("run", status="ACTIVE"), "seconds": 0},
    ),
    ("enumerates nothing", "enumeration_filters_by_status", {"tamper": raw("actions", "[]")}),
    (
        "enumerates nothing active",
        "enumeration_lists_the_active_actions_of_the_caller",
        {"tamper": raw("actions", "[]"), "seconds": HOUR},
    ),
    ("a code of INACTIVE that is a number", "an_inactive_action_says_why", {"paused": {**WAITS, "code": 5}}),
    (
        "resume fails",
        "an_inactive_action_can_be_resumed",
        {"paused": WAITS, "tamper": code("resume", 200, 500)},
    ),
    (
        "resume shows another action",
        "an_inactive_action_can_be_resumed",
        {"paused": WAITS, "tamper": fields("resume", action_id="another")},
    ),
    (
        "managers cannot resume",
        "managers_can_resume_an_action",
        {"paused": WAITS, "tamper": not_for(PEOPLE[BERT], "resume", 403)},
    ),
    ("monitors resume", "monitors_cannot_resume_an_action", {"paused": WAITS, "defects": ["access control"]}),
    ("everybody resumes", "others_cannot_resume_an_action", {"paused": WAITS, "defects": ["access control"]}),
    (
        "401 for others who resume",
        "others_cannot_resume_an_action",
        {"tamper": not_for(PEOPLE[BERT], "resume", 401), "seconds": HOUR},
    ),
    (
        "resume revives",
        "resume_of_an_action_that_is_not_inactive_is_refused",
        {"defects": ["conflicts of resume"]},
    ),
    (
        "resume of a complete action is 500",
        "resume_of_an_action_that_is_not_inactive_is_refused",
        {"tamper": code("resume", 409, 500)},
    ),
    (
        "two creators of one user",
        "the_creator_is_whoever_has_started_the_action",
        {"tamper": NowAndThen("run", creator_id="urn:…")},
    ),
    (
        "resume without a token",
        "without_a_token_every_operation_is_refused",
        {"tamper": open_to(is_nobody, "resume")},
    ),
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
    ("no code of INACTIVE", "an_inactive_action_says_why", {"paused": {"description": "Wait."}}),
    (
        "consent without a scope",
        "an_inactive_action_says_why",
        {"paused": {"code": "ConsentRequired", "description": "Consent is needed."}},
    ),
    (
        "resume of a complete action is 200",
        "resume_of_an_action_that_is_not_inactive_is_refused",
        {"tamper": code("resume", 409, 200)},
    ),
    (
        "release says who released it",
        "a_complete_action_never_changes_again",
        {"tamper": fields("release", display_status="Released by Anne")},
    ),
    ("a request for ever", "a_request_repeated_after_the_release_starts_anew", {"tamper": RemembersForever()}),
]

NO_DEFECT_HERE = {"the_newer_paths_lead_to_the_same_actions"}
"""Tested only with the toolkit's blueprint, which serves them."""


@pytest.mark.parametrize(("rule", "defect"), [row[1:] for row in DEFECTS], ids=[row[0] for row in DEFECTS])
def test_a_defect_is_named(rule: str, defect: dict[str, Any]) -> None:
    with suite_on(ExampleProvider(**defect)) as provider:
        assert check(provider, rule).outcome == Outcome.WRONG


@pytest.mark.parametrize(("rule", "lapse"), [row[1:] for row in WARNINGS], ids=[row[0] for row in WARNINGS])
def test_a_lapse_is_a_warning(rule: str, lapse: dict[str, Any]) -> None:
    with suite_on(ExampleProvider(**lapse), wait_seconds=0.5) as provider:
        assert check(provider, rule).outcome == Outcome.WARNING


def test_every_rule_was_seen_broken() -> None:
    assert {row[1] for row in DEFECTS + WARNINGS} | NO_DEFECT_HERE == {rule.name for rule in RULES}


NEEDS_TIME = {
    "an_action_that_is_not_complete_cannot_be_released",
    "an_action_that_is_not_complete_can_be_cancelled",
}
NEEDS_INACTIVE = {
    "an_inactive_action_says_why",
    "an_inactive_action_can_be_resumed",
    "managers_can_resume_an_action",
}
NEEDS_SYNCHRONOUS = {"a_synchronous_provider_answers_with_the_end"}


@pytest.mark.parametrize(
    ("kind", "skipped"),
    [
        ({"seconds": 0}, NEEDS_TIME | NEEDS_INACTIVE),
        ({"seconds": 0.1}, NEEDS_INACTIVE | NEEDS_SYNCHRONOUS),
        ({"seconds": 0, "paused": WAITS}, NEEDS_SYNCHRONOUS),
        ({"seconds": 0.1, "paused": WAITS}, NEEDS_SYNCHRONOUS),
    ],
    ids=["synchronous", "with progress", "paused, then complete", "paused, then with progress"],
)
def test_a_correct_provider_passes(kind: dict[str, Any], skipped: set[str]) -> None:
    example = ExampleProvider(**kind)
    with suite_on(example) as provider:
        report = check_all(provider)
    assert outcomes(report.results, Outcome.WRONG) | outcomes(report.results, Outcome.WARNING) == set()
    assert outcomes(report.results, Outcome.SKIPPED) == skipped | NO_DEFECT_HERE
    assert (report.not_released, example.actions) == ([], {})


def test_a_provider_that_accepts_more_than_it_must_passes() -> None:
    """Its statuses show the odd fields that it accepts, which is not an error."""
    with suite_on(ExampleProvider(defects=["strictness"])) as provider:
        results = check_all(provider).results
    assert outcomes(results, Outcome.WRONG) == set()
    assert outcomes(results, Outcome.WARNING) == {"fields_of_a_wrong_form_are_refused"}


def test_without_another_token_what_other_users_can_do_is_skipped() -> None:
    with suite_on(ExampleProvider(), other_token=None) as provider:
        results = check_all(provider).results
    assert outcomes(results, Outcome.WRONG) == set()
    assert {rule.name for rule in RULES if rule.section == "Other users"} < outcomes(results, Outcome.SKIPPED)


def test_an_action_that_does_not_end_in_time_is_canceled() -> None:
    with suite_on(ExampleProvider(seconds=HOUR), wait_seconds=0.2) as provider:
        assert provider.ended["details"] == {"error": "CANCELLED"}


def test_an_action_that_never_ends_is_reported() -> None:
    with suite_on(ExampleProvider(seconds=HOUR, defects=["cancellation"]), wait_seconds=0.2) as provider:
        result = check(provider, "an_action_comes_to_an_end")
    assert result.outcome == Outcome.SKIPPED
    assert result.reason == "no action ended within 0.2 s: raise --timeout"
