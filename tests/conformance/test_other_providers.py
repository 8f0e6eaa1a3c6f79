"""What the suite says about providers that work differently from ours: it must not blame them for what is allowed."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterable
from typing import Any

import pytest
from requests.structures import CaseInsensitiveDict
from werkzeug.wrappers import Request, Response

from conformance.rate_limit import retry_after
from conformance.response import Response as ApiResponse
from conformance.rule import RULES, Outcome
from tests.conformance.example_provider import BERT, PEOPLE, SCHEMA, Answer, Call, ExampleProvider
from tests.conformance.tampers import (
    HOUR,
    check,
    check_all,
    code,
    fields,
    not_for,
    outcomes,
    raw,
    suite_on,
)


class RateLimited:
    """A WSGI application in front of a provider that passes `limit` requests per minute of its own clock."""

    def __init__(self, provider: ExampleProvider, *, limit: int, headers: dict[str, str]) -> None:
        self.provider = provider
        self.limit = limit
        self.headers = headers
        self.now = 0.0
        self.pauses: list[float] = []
        self.window = 0
        self.served = 0

    def sleep(self, seconds: float) -> None:
        """Pass this as `sleep`: it moves the clock and takes no time."""
        self.pauses.append(seconds)
        self.now += seconds

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        if self.now // 60 > self.window:
            self.window, self.served = int(self.now // 60), 0
        self.served += 1
        if self.served > self.limit:
            Request(environ).get_data()
            return Response("Slow down", 429, headers=self.headers)(environ, start_response)
        return self.provider(environ, start_response)


@pytest.mark.parametrize("headers", [{"Retry-After": "60"}, {}], ids=["Retry-After", "no Retry-After"])
def test_a_provider_behind_a_rate_limit_is_waited_for(headers: dict[str, str]) -> None:
    limited = RateLimited(ExampleProvider(seconds=0), limit=60, headers=headers)
    with suite_on(limited, sleep=limited.sleep) as provider:
        report = check_all(provider)
    assert outcomes(report.results, Outcome.WRONG) == set()
    assert outcomes(report.results, Outcome.WARNING) == set()
    assert report.stopped == ""
    assert (max(limited.pauses) == 60) == ("Retry-After" in headers)


def test_a_rate_limit_that_never_ends_stops_the_run() -> None:
    limited = RateLimited(ExampleProvider(), limit=20, headers={"Retry-After": "3600"})
    with suite_on(limited, sleep=limited.sleep) as provider:
        report = check_all(provider)
    assert "the provider limits the rate of requests" in report.stopped
    assert outcomes(report.results, Outcome.WRONG) == set()
    assert max(limited.pauses) <= 1


def test_a_provider_that_is_briefly_busy_is_asked_again() -> None:
    example, codes = ExampleProvider(), iter([503])

    def busy_at_first(environ: Any, start_response: Any) -> Iterable[bytes]:
        for refusal in codes:
            Request(environ).get_data()
            return Response("{}", refusal, headers={"Retry-After": "1"})(environ, start_response)
        return example(environ, start_response)

    pauses: list[float] = []
    with suite_on(busy_at_first, sleep=pauses.append) as provider:
        assert check(provider, "a_valid_request_starts_an_action").outcome == Outcome.OK
    assert pauses == [1]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("5", 5),
        (" 0 ", 0),
        ("Wed, 21 Oct 2026 07:28:30 GMT", 30),
        ("Wed, 21 Oct 2026 07:00:00 GMT", 0),
        ("soon", None),
        ("-1", None),
        ("", None),
    ],
)
def test_retry_after_is_a_number_of_seconds_or_a_date(value: str, seconds: float | None) -> None:
    headers = CaseInsensitiveDict({"Retry-After": value, "Date": "Wed, 21 Oct 2026 07:28:00 GMT"})
    assert retry_after(ApiResponse("with the token", "GET", "/", 429, headers, b"")) == seconds


class Dies:
    """A WSGI application that is a provider for some requests, and then a gateway without one."""

    def __init__(self, lives: int) -> None:
        self.provider = ExampleProvider()
        self.lives = lives

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        self.lives -= 1
        if self.lives < 0:
            Request(environ).get_data()
            return Response("<html>Bad gateway", 502, content_type="text/html")(environ, start_response)
        return self.provider(environ, start_response)


def test_a_provider_that_dies_behind_a_gateway_has_stopped_answering() -> None:
    with suite_on(Dies(40), sleep=lambda _seconds: None) as provider:
        report = check_all(provider)
    assert report.stopped.startswith("the provider stopped answering at rule ")
    assert outcomes(report.results, Outcome.WRONG) == set()
    assert len(report.results) == len(RULES)
    assert {result.reason for result in report.results[-5:]} == {"the provider stopped answering"}


def breaks_connections_on(operation: str, example: ExampleProvider) -> Any:
    """Return a WSGI application that is this provider, except that one operation never gets a response."""

    def application(environ: Any, start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"].endswith(operation):
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionError
        return example(environ, start_response)

    return application


def test_rules_of_an_operation_without_responses_are_skipped_after_two_requests() -> None:
    with suite_on(breaks_connections_on("/cancel", ExampleProvider(seconds=0))) as provider:
        report = check_all(provider)
    assert report.stopped == ""
    messages = [finding.message for result in report.results for finding in result.findings]
    assert len([message for message in messages if "the connection broke" in message]) == 2
    assert any("2 requests to cancel got no response" in result.reason for result in report.results)


def test_an_other_body_that_is_not_accepted_proves_nothing() -> None:
    """Its schema allows more than the provider does, so the made-up bodies are refused in any case."""
    schema = {**SCHEMA, "additionalProperties": True}

    def choosy(call: Call, code: int, document: Any) -> Answer:
        is_other = call.operation == "run" and b'"hello"' not in call.data and code == 202
        return (400, {}) if is_other else (code, document)

    def tamper(call: Call, code: int, document: Any) -> Answer:
        return fields("introspect", input_schema=schema)(call, *choosy(call, code, document))  # type: ignore[return-value]

    rule = "a_request_id_with_another_content_is_refused"
    with suite_on(ExampleProvider(tamper=tamper)) as provider:
        result = check(provider, rule)
    assert (result.outcome, result.findings) == (Outcome.SKIPPED, ())
    assert "give one with --other-body" in result.reason
    with suite_on(ExampleProvider(tamper=tamper), other_body={"text": "other"}) as provider:
        assert "the provider does not accept the body of --other-body" in check(provider, rule).reason


def test_without_a_schema_another_content_is_made_from_the_body() -> None:
    tamper = fields("introspect", input_schema=None)
    with suite_on(ExampleProvider(tamper=tamper, defects=["comparison of contents"])) as provider:
        assert check(provider, "a_request_id_with_another_content_is_refused").outcome == Outcome.WRONG


def test_without_creator_ids_the_creator_is_not_known() -> None:
    with suite_on(ExampleProvider(tamper=fields("run status", creator_id=None))) as provider:
        result = check(provider, "the_creator_is_whoever_has_started_the_action")
    assert result.outcome == Outcome.SKIPPED


@pytest.mark.parametrize(
    ("rule", "outcome"),
    [
        ("enumeration_does_not_list_what_others_have", Outcome.SKIPPED),
        ("enumeration_lists_the_active_actions_of_the_caller", Outcome.SKIPPED),
        ("enumeration_filters_by_status", Outcome.WRONG),
    ],
)
def test_an_enumeration_that_is_always_empty_is_never_ok(rule: str, outcome: Outcome) -> None:
    with suite_on(ExampleProvider(tamper=raw("actions", "[]"), seconds=0)) as provider:
        assert check(provider, rule).outcome == outcome


def test_an_action_that_stays_inactive_for_ever_still_has_to_say_why() -> None:
    """It can neither be resumed nor canceled, so no action of this provider ends."""
    stuck = ExampleProvider(paused={"code": 5}, with_resume=False, defects=["cancellation"])
    with suite_on(stuck, wait_seconds=0.2, sleep=lambda _seconds: None) as provider:
        assert check(provider, "an_inactive_action_says_why").outcome == Outcome.WRONG


RACE = "simultaneous_requests_start_one_action"


def test_simultaneity_that_never_happened_is_not_ok() -> None:
    """The provider accepts one of the simultaneous requests and is too busy for the others."""

    gate = threading.Lock()

    class OneAtATime(ExampleProvider):
        def run(self, call: Call) -> Answer:
            request_id = json.loads(call.data)["request_id"]
            with gate:
                known = self.requests.get((str(call.caller), request_id))
                return (409, {}) if known else super().run(call)

    with suite_on(OneAtATime()) as provider:
        result = check(provider, RACE)
    assert result.outcome == Outcome.SKIPPED
    assert [finding.message for finding in result.findings] == ["a simultaneous repeat of a request is refused"]


class RacesRarely(ExampleProvider):
    """Takes no lock for every fortieth request_id."""

    seen: set[str]

    def run(self, call: Call) -> Answer:
        request_id = json.loads(call.data)["request_id"]
        with self.lock:
            self.seen = {*getattr(self, "seen", set()), request_id}
            is_racy = len(self.seen) % 40 == 0
        if not is_racy:
            return super().run(call)
        known = self.requests.get((str(call.caller), request_id))
        time.sleep(0.02)
        return self.start(call, (str(call.caller), request_id), self.valid(call.data), known)


def test_simultaneous_requests_are_at_the_provider_at_the_same_time() -> None:
    """Every request waits there for the other seven."""
    all_there = threading.Barrier(8)

    class WaitsForAll(ExampleProvider):
        def run(self, call: Call) -> Answer:
            all_there.wait(timeout=60)
            return super().run(call)

    with suite_on(WaitsForAll()) as provider:
        assert {response.code for response in provider.creator.run_together("an id", 8)} == {200, 202}  # type: ignore[union-attr]


def test_a_race_that_shows_in_one_of_forty_rounds_is_found() -> None:
    with suite_on(RacesRarely(), rounds=100) as provider:
        assert check(provider, RACE).outcome == Outcome.WRONG


def test_a_refused_release_is_not_blamed_for_an_action_that_was_never_visible() -> None:
    tamper = code("status", 200, 404)
    with suite_on(ExampleProvider(tamper=tamper, seconds=0)) as provider:
        result = check(provider, "others_cannot_release_an_action")
    assert result.outcome == Outcome.OK
    with suite_on(ExampleProvider(tamper=tamper, seconds=HOUR)) as provider:
        assert check(provider, "an_action_that_is_not_complete_cannot_be_released").outcome == Outcome.OK


def test_hiding_an_action_that_its_creator_cannot_see_either_proves_nothing() -> None:
    with suite_on(ExampleProvider(tamper=code("status", 200, 404))) as provider:
        assert check(provider, "others_cannot_see_an_action").outcome == Outcome.SKIPPED


@pytest.mark.parametrize("absent", [403, 404, 405, 501])
def test_optional_operations_that_are_absent_are_skipped(absent: int) -> None:
    def tamper(call: Call, code: int, document: Any) -> Answer:
        return (absent, {"message": "Missing Authentication Token"}) if is_optional(call) else (code, document)

    def is_optional(call: Call) -> bool:
        return call.operation in ("actions", "resume") and call.caller is not None

    with suite_on(ExampleProvider(tamper=tamper, seconds=0)) as provider:
        results = check_all(provider).results
    assert outcomes(results, Outcome.WRONG) | outcomes(results, Outcome.WARNING) == set()
    optional = {rule.name for rule in RULES if rule.section in ("Enumeration", "Newer paths", "Paused actions")}
    assert optional < outcomes(results, Outcome.SKIPPED)


@pytest.mark.parametrize("seconds", [0, 0.1], ids=["at once", "after a while"])
def test_a_provider_without_cancel_is_allowed(seconds: float) -> None:
    """It answers 400 to every cancel, whoever asks, once it knows the token."""

    def tamper(call: Call, code: int, document: Any) -> Answer:
        return (400, {}) if call.operation == "cancel" and call.caller else (code, document)

    with suite_on(ExampleProvider(tamper=tamper, seconds=seconds)) as provider:
        results = check_all(provider).results
    assert outcomes(results, Outcome.WRONG) | outcomes(results, Outcome.WARNING) == set()
    about_cancel = {"others_cannot_cancel_an_action", "an_action_that_is_not_complete_can_be_cancelled"}
    assert about_cancel < outcomes(results, Outcome.SKIPPED)


@pytest.mark.parametrize("refusal", [401, 403])
def test_an_other_token_that_is_refused_like_an_unknown_one_is_reported(refusal: int) -> None:
    def tamper(call: Call, code: int, document: Any) -> Answer:
        return (refusal, {}) if code == 401 else (code, document)

    with suite_on(ExampleProvider(tamper=tamper), other_token="who-is-this") as provider:
        report = check_all(provider)
    assert f"is answered with {refusal}, as with an unknown token" in report.other_token_problem
    assert "others_cannot_see_an_action" in outcomes(report.results, Outcome.SKIPPED)


def test_an_other_user_who_cannot_start_actions_is_still_someone_else() -> None:
    with suite_on(ExampleProvider(tamper=not_for(PEOPLE[BERT], "run", 403))) as provider:
        report = check_all(provider)
    assert report.other_token_problem == ""
    assert "others_cannot_see_an_action" in outcomes(report.results, Outcome.OK)
    assert outcomes(report.results, Outcome.WRONG) == set()


def test_an_action_that_waits_for_consent_is_canceled() -> None:
    """Resuming it does not help: it stays INACTIVE."""
    details = {"code": "ConsentRequired", "description": "Consent is needed.", "required_scope": "https://…"}

    class WaitsForConsent(ExampleProvider):
        def resume(self, call: Call) -> Answer:
            action = self.find(call, "manage_by")
            if self.is_complete(action):
                return 409, {}
            return 200, self.view(action)

    example = WaitsForConsent(paused=details)
    with suite_on(example, sleep=lambda _seconds: None) as provider:
        report = check_all(provider)
    assert outcomes(report.results, Outcome.WRONG) == set()
    assert outcomes(report.results, Outcome.WARNING) == {"an_action_comes_to_an_end"}
    assert example.actions == {}
