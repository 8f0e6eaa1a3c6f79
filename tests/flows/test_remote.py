"""Providers over HTTP that pause, stumble, refuse, and answer nonsense."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from client.flows import FlowRunner, ManualClock, Run
from client.flows.bridge import Console, RemoteProviders
from client.flows.providers import Provider
from tests.client.odd_provider import OddProvider, action, running_odd_provider
from tests.flows import definitions

FLOW = definitions.flow(A=definitions.action(ActionUrl="https://x.example", Parameters={"a": 1}))
DONE = action("SUCCEEDED", details={"b": 2})


@pytest.fixture
def odd(monkeypatch: pytest.MonkeyPatch) -> Iterator[OddProvider]:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    with running_odd_provider() as provider:
        provider.answer("POST /run", action("ACTIVE"))
        provider.answer("GET /a/status", DONE)
        provider.answer("POST /a/release", DONE)
        yield provider


def run(odd: OddProvider, consent: Any = None, definition: Any = FLOW) -> Run:
    providers = RemoteProviders(Console(), frozenset(["https://x.example"]), {"*": odd.url}, token="a-token")
    return FlowRunner(definition, providers, clock=ManualClock(), consent=consent).run(label="mine", run_id=RUN_ID)


RUN_ID = "00000000-0000-4000-8000-000000000000"


def failed_with(status: int) -> Any:
    return dataclasses.replace(action("ACTIVE"), status=status, body={"code": "Trouble", "description": "No."})


def test_the_request_has_body_label_and_an_id_that_derives_from_the_run(odd: OddProvider) -> None:
    assert run(odd).output["result"]["details"] == {"b": 2}
    assert odd.requests == ["POST /run", "GET /a/status", "POST /a/release"]
    request = odd.bodies[0]
    assert (request["body"], request["label"]) == ({"a": 1}, "mine")
    run(odd)
    assert odd.bodies[3]["request_id"] == request["request_id"]
    assert set(odd.tokens) == {"Bearer a-token"}


def test_an_inactive_action_is_resumed(odd: OddProvider) -> None:
    odd.answer("POST /run", action("INACTIVE", details={"code": "Paused"}))
    odd.answer("POST /a/resume", action("ACTIVE"))
    told: list[str] = []

    def consent(document: Mapping[str, Any], _provider: Provider) -> bool:
        told.append(document["details"]["code"])
        return True

    assert run(odd, consent).succeeded
    assert told == ["Paused"]
    assert "POST /a/resume" in odd.requests


def test_errors_while_polling_are_tolerated(odd: OddProvider) -> None:
    nonsense = dataclasses.replace(DONE, body=["no status"])
    odd.answer("GET /a/status", *[failed_with(503)] * 9, nonsense, action("NEVER HEARD OF"), DONE)
    assert run(odd).succeeded


@pytest.mark.parametrize(("status", "error"), [(404, "ActionFailedException"), (403, "ActionFailedException")])
def test_a_refusal_while_polling_ends_the_action(odd: OddProvider, status: int, error: str) -> None:
    odd.answer("GET /a/status", failed_with(status))
    done = run(odd)
    assert done.error
    assert (done.error.error, done.error.document) == (error, {"code": "Trouble", "description": "No."})


@pytest.mark.parametrize("status", [400, 401, 403, 409, 500, None])
def test_a_run_that_is_refused_or_not_answered_is_an_exception(odd: OddProvider, status: int) -> None:
    odd.answer("POST /run", failed_with(status))
    done = run(odd)
    assert done.error
    assert done.error.error == "ActionUnableToRun"


@pytest.mark.parametrize("body", [[], "<html>", {"status": "ACTIVE"}, {"action_id": 7, "status": "DONE"}, None])
def test_an_answer_to_run_that_is_not_a_status_is_an_exception(odd: OddProvider, body: Any) -> None:
    odd.answer("POST /run", dataclasses.replace(DONE, body=body))
    done = run(odd)
    assert done.error
    assert done.error.error == "ActionUnableToRun"


def nested(levels: int) -> Any:
    found: Any = 1
    for _ in range(levels):
        found = {"a": found}
    return found


@pytest.mark.parametrize("levels", [101, 900])
def test_an_answer_to_run_that_is_nested_too_deeply_is_an_exception(odd: OddProvider, levels: int) -> None:
    odd.answer("POST /run", action("ACTIVE", details=nested(levels)))
    done = run(odd)
    assert done.error
    assert (done.error.error, done.error.cause) == (
        "ActionUnableToRun",
        "The provider's response is nested too deeply.",
    )


@pytest.mark.parametrize("levels", [101, 900])
def test_a_status_that_is_nested_too_deeply_counts_as_no_answer(odd: OddProvider, levels: int) -> None:
    deep = action("SUCCEEDED", details=nested(levels))
    odd.answer("GET /a/status", deep, DONE)
    assert run(odd).succeeded
    odd.answer("GET /a/status", deep)
    odd.answer("POST /a/cancel", deep)
    done = run(odd)
    assert done.error
    assert done.error.error == "ActionTimeout"


@pytest.mark.parametrize("operation", ["POST /run", "GET /a/status"])
def test_a_refusal_that_is_nested_too_deeply_keeps_its_status(odd: OddProvider, operation: str) -> None:
    odd.answer(operation, dataclasses.replace(DONE, status=403, body={"description": nested(900)}))
    done = run(odd)
    assert done.error
    assert done.error.cause == "The provider's response is nested too deeply."
    assert done.error.document is None


def test_a_catch_handles_an_answer_that_is_nested_too_deeply(odd: OddProvider) -> None:
    odd.answer("POST /run", action("ACTIVE", details=nested(900)))
    catch = [{"ErrorEquals": ["ActionUnableToRun"], "Next": "B", "ResultPath": "$.caught"}]
    caught = definitions.action(ActionUrl="https://x.example", Parameters={"a": 1}, Catch=catch, Next="B")
    done = run(odd, definition=definitions.flow(A=caught, B=definitions.pass_on()))
    assert done.output["caught"]["Error"] == "ActionUnableToRun"


def test_an_action_that_cannot_be_released_still_succeeds(odd: OddProvider) -> None:
    odd.answer("POST /a/release", failed_with(409))
    assert run(odd).succeeded


def test_an_action_that_cannot_be_canceled_still_times_out(odd: OddProvider) -> None:
    odd.answer("GET /a/status", action("ACTIVE"))
    odd.answer("POST /a/cancel", failed_with(409))
    done = run(odd)
    assert done.error
    assert done.error.error == "ActionTimeout"
    assert odd.requests[-1] == "POST /a/cancel"
