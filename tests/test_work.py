"""The rules of work that continues elsewhere, with a scripted work module, on every database."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, cast

import pytest
from flask import Flask

from app.error import InvalidRequest, NotAuthorized
from app.work import Active, Context, EndsAt, Failed, Inactive, Job, Step, Succeeded
from tests import scripted_work
from tests.api import Caller, check_error, provider_of
from tests.clock import Clock
from tests.conftest import ALICE, BOB, CAROL, CREDENTIALS, AppFactory
from tests.patched_auth import PatchedGlobus, Person
from tests.scripted_work import Crash, Script

LEASE = 30
SOON = timedelta(seconds=10)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    script = Script()
    monkeypatch.setattr(scripted_work, "script", script)
    return script


@pytest.fixture
def app(globus: PatchedGlobus, clock: Clock, database_url: str, script: Script, new_app: AppFactory) -> Flask:
    settings = {"WORK": "tests.scripted_work", "DATABASE_URL": database_url, "LEASE_SECONDS": LEASE}
    return new_app(**settings, clock=clock, timer=clock.timer, threads=64)


@pytest.fixture
def login(app: Flask, globus: PatchedGlobus) -> Callable[[Person], Caller]:
    return lambda person: Caller(app.test_client(), globus.login(person))


@pytest.fixture
def alice(login: Callable[[Person], Caller]) -> Caller:
    return login(ALICE)


@pytest.fixture
def bob(login: Callable[[Person], Caller]) -> Caller:
    return login(BOB)


def advance_all(app: Flask) -> str:
    """Run `flask --app app advance`."""
    result = app.test_cli_runner().invoke(args=["advance"])
    assert result.exit_code == 0, result.output
    return str(result.stdout)


def test_work_that_ends_at_once_is_complete_in_the_response(alice: Caller, script: Script) -> None:
    script.advance = [Succeeded({"answer": 42})]
    document = alice.run(body={"question": "?"})
    assert (document["status"], document["details"]) == ("SUCCEEDED", {"answer": 42})
    (job,) = script.jobs("advance")
    assert (job.body, job.attempt, job.creator_id) == ({"question": "?"}, 1, ALICE.urn)
    assert job.action_id == document["action_id"]


@pytest.mark.parametrize(
    ("step", "status"), [(Succeeded({"a": 1}), "SUCCEEDED"), (Failed("No luck.", "LUCKLESS"), "FAILED")], ids=str
)
def test_begin_may_end_an_action_itself(alice: Caller, script: Script, step: Step, status: str) -> None:
    script.begin = [step]
    document = alice.run()
    assert document["status"] == status
    assert script.calls == []
    assert alice.status(document["action_id"]) == document


def test_polls_are_look_after_apart_however_many_requests_come(alice: Caller, script: Script, clock: Clock) -> None:
    script.advance = [Active({"job": 7}, {"done": number}, f"{number} of 3", look_after=SOON) for number in range(3)]
    action_id = alice.run()["action_id"]
    for expected in (0, 1, 2):
        for _ in range(5):
            document = alice.status(action_id)
            assert (document["details"], document["display_status"]) == ({"done": expected}, f"{expected} of 3")
            alice.log(action_id)
        clock.tick(seconds=10)
    assert alice.status(action_id)["status"] == "SUCCEEDED"
    assert [job.state for job in script.jobs("advance")] == [{}, {"job": 7}, {"job": 7}, {"job": 7}]
    assert {job.attempt for job in script.jobs("advance")} == {1}


@pytest.mark.parametrize(
    ("text", "shown"), [("x" * 64, "x" * 64), ("x" * 65, "x" * 63 + "…"), ("", "ACTIVE"), (None, "ACTIVE")]
)
def test_a_long_display_status_is_shortened(alice: Caller, script: Script, text: str | None, shown: str) -> None:
    script.advance = [Active(display_status=text, look_after=SOON)]
    assert alice.run()["display_status"] == shown


def test_lists_show_the_last_stored_state_and_advance_nothing(alice: Caller, script: Script, clock: Clock) -> None:
    script.advance = [Active(details={"done": 1}, look_after=SOON)]
    started = alice.run()
    clock.tick(seconds=60)
    assert alice.enumerate() == [started]
    assert script.names() == ["advance"]


def test_a_repeated_run_advances_and_starts_nothing_new(alice: Caller, script: Script, clock: Clock) -> None:
    script.advance = [Active(look_after=SOON), Active(details={"done": 2}, look_after=SOON)]
    first = alice.run(request_id="same", body={})
    clock.tick(seconds=10)
    again = alice.run(200, request_id="same", body={})
    assert (again["action_id"], again["details"]) == (first["action_id"], {"done": 2})


def test_a_hook_that_raises_is_retried_later_and_callers_do_not_notice(
    alice: Caller, script: Script, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    script.advance = [Active(details={"done": 1}, look_after=SOON), *(RuntimeError("secret") for _ in range(12))]
    started = alice.run()
    clock.tick(seconds=10)
    pauses = []
    for calls in range(2, 13):
        assert alice.status(started["action_id"]) == started
        assert len(script.calls) == calls
        before = clock.now
        while len(script.calls) == calls:
            clock.tick(seconds=1)
            alice.status(started["action_id"])
        pauses.append((clock.now - before).total_seconds())
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert [job.attempt for job in script.jobs("advance")] == [1, *range(1, 13)]
    assert started["action_id"] in caplog.text


def test_a_call_that_never_returned_is_repeated_when_its_lease_expires(
    alice: Caller, script: Script, clock: Clock
) -> None:
    script.advance = [Crash()]
    with pytest.raises(Crash):
        alice.run(request_id="crashing", body={"kept": True})
    (active,) = alice.enumerate()
    clock.tick(seconds=LEASE - 1)
    assert alice.status(active["action_id"])["status"] == "ACTIVE"
    assert len(script.calls) == 1
    clock.tick(seconds=1)
    assert alice.status(active["action_id"])["status"] == "SUCCEEDED"
    first, second = script.jobs("advance")
    assert (first.attempt, second.attempt) == (1, 2)
    assert first.action_id == second.action_id
    assert second.body == {"kept": True}


def test_cancel_ends_the_record_first_and_then_stops_the_work(alice: Caller, script: Script, clock: Clock) -> None:
    seen = []
    script.advance = [Active({"job": 7}, look_after=SOON)]
    action_id = alice.run()["action_id"]
    script.cancel = [lambda job, context: seen.append(alice.status(job.action_id)["status"])]
    document = alice.cancel(action_id)
    assert document["details"] == {"message": "Job cancelled", "error": "CANCELLED"}
    assert seen == ["FAILED"]
    assert script.jobs("cancel")[0].state == {"job": 7}
    clock.tick(hours=1)
    alice.status(action_id)
    assert script.names() == ["advance", "cancel"]


def test_a_stop_that_fails_is_retried_until_it_returns(app: Flask, alice: Caller, script: Script, clock: Clock) -> None:
    script.advance = [Active(look_after=SOON)]
    action_id = alice.run()["action_id"]
    script.cancel = [RuntimeError("down"), RuntimeError("down")]
    cancelled = alice.cancel(action_id)
    clock.tick(seconds=1)
    assert alice.status(action_id) == cancelled
    clock.tick(seconds=2)
    assert "advanced 1" in advance_all(app)
    assert script.names() == ["advance", "cancel", "cancel", "cancel"]
    clock.tick(hours=1)
    assert "advanced 0" in advance_all(app)


def test_a_stop_that_never_returned_is_repeated(app: Flask, alice: Caller, script: Script, clock: Clock) -> None:
    script.advance = [Active({"job": 7}, look_after=SOON)]
    action_id = alice.run()["action_id"]
    script.cancel = [Crash()]
    with pytest.raises(Crash):
        alice.cancel(action_id)
    assert alice.status(action_id)["status"] == "FAILED"
    clock.tick(seconds=LEASE)
    advance_all(app)
    assert [job.state for job in script.jobs("cancel")] == [{"job": 7}] * 2


def test_a_step_that_arrives_after_a_cancel_is_discarded_and_the_work_is_stopped_again(
    alice: Caller, script: Script, clock: Clock
) -> None:
    script.advance = [lambda job, context: (alice.cancel(job.action_id), Active({"job": 7}))[1]]
    document = alice.run()
    assert document["details"]["error"] == "CANCELLED"
    assert script.names() == ["advance", "cancel", "cancel"]
    assert alice.status(document["action_id"]) == document


def test_a_step_that_arrives_after_a_release_stops_the_work_too(alice: Caller, script: Script) -> None:
    def cancel_and_release(job: Job, context: Context) -> Step:
        alice.cancel(job.action_id)
        alice.release(job.action_id)
        return Succeeded()

    script.advance = [cancel_and_release]
    action_id = alice.run()["action_id"]
    assert script.names() == ["advance", "cancel", "release", "cancel"]
    alice.status(action_id, 404)


def test_at_its_deadline_an_action_fails_and_is_stopped(alice: Caller, script: Script, clock: Clock) -> None:
    script.advance = [Active({"job": 7}, {"done": 1}, look_after=timedelta(hours=1))]
    deadline = clock.now + timedelta(seconds=30)
    started = alice.run(deadline=deadline.isoformat())
    assert started["details"] == {"done": 1}
    clock.tick(seconds=40)
    assert alice.enumerate(status="failed")[0]["action_id"] == started["action_id"]
    document = alice.status(started["action_id"])
    assert document["details"]["error"] == "DEADLINE_EXCEEDED"
    assert document["completion_time"] == deadline.isoformat()
    assert script.names() == ["advance", "cancel"]


def test_a_step_that_arrives_after_the_deadline_is_too_late(alice: Caller, script: Script, clock: Clock) -> None:
    def late(job: Job, context: Context) -> Step:
        clock.tick(seconds=20)
        return Succeeded()

    script.advance = [late]
    document = alice.run(deadline=(clock.now + timedelta(seconds=10)).isoformat())
    assert document["details"]["error"] == "DEADLINE_EXCEEDED"
    assert script.names() == ["advance", "cancel"]


def test_an_inactive_action_waits_for_a_manager(app: Flask, login: Any, script: Script, clock: Clock) -> None:
    alice, bob, carol = login(ALICE), login(BOB), login(CAROL)
    script.begin = [Inactive("ApprovalRequired", "Somebody must approve.", {"secret": 1}, {"amount": 5})]
    started = alice.run(monitor_by=[CAROL.urn], manage_by=[BOB.urn])
    assert started["status"] == "INACTIVE"
    told = {"amount": 5, "code": "ApprovalRequired", "description": "Somebody must approve."}
    assert started["details"] == told
    clock.tick(days=100)
    advance_all(app)
    assert alice.status(started["action_id"]) == started
    assert [each["action_id"] for each in alice.enumerate(status="inactive")] == [started["action_id"]]
    assert alice.enumerate(status="active") == []
    assert script.calls == []
    check_error(carol.resume(started["action_id"], 403), "NotAuthorized")
    resumed = bob.resume(started["action_id"], 200)
    assert resumed["status"] == "SUCCEEDED"
    assert script.jobs("advance")[0].state == {"secret": 1}
    check_error(bob.resume(started["action_id"], 409), "InvalidState")


def test_resume_advances_on_behalf_of_the_caller(alice: Caller, bob: Caller, script: Script) -> None:
    callers = []

    def approve(job: Job, context: Context) -> Step:
        assert context.caller is not None
        callers.append(context.caller.effective_identity)
        return Succeeded({"approved_by": callers[0]})

    script.begin, script.advance = [Inactive("ApprovalRequired", "…")], [approve]
    action_id = alice.run(manage_by=[BOB.urn])["action_id"]
    assert bob.resume(action_id, 200)["details"] == {"approved_by": BOB.urn}


def test_cancel_and_deadline_end_an_inactive_action_too(alice: Caller, script: Script, clock: Clock) -> None:
    script.begin = [Inactive("Wait", "…"), Inactive("Wait", "…")]
    cancelled = alice.run()["action_id"]
    late = alice.run(deadline=(clock.now + timedelta(seconds=5)).isoformat())["action_id"]
    assert alice.cancel(cancelled)["details"]["error"] == "CANCELLED"
    clock.tick(seconds=5)
    check_error(alice.resume(late, 409), "InvalidState")
    assert alice.status(late)["details"]["error"] == "DEADLINE_EXCEEDED"


SCOPE = "https://auth.globus.org/scopes/99999999-2222-4333-8444-555555555555/all"


def act_as_caller(_job: Any, context: Context) -> Step:
    assert context.caller is not None
    return Active({"token": context.caller.token(SCOPE)}, look_after=SOON)


def test_without_consent_an_action_waits_for_it(alice: Caller, globus: PatchedGlobus, script: Script) -> None:
    script.advance = [act_as_caller, act_as_caller]
    started = alice.run()
    assert started["status"] == "INACTIVE"
    assert started["details"]["code"] == "ConsentRequired"
    assert started["details"]["required_scope"] == f"{CREDENTIALS['SCOPE']}[{SCOPE}]"
    alice.resume(started["action_id"], 200)
    assert alice.status(started["action_id"])["status"] == "INACTIVE"
    globus.dependent_scopes.append(SCOPE)
    script.advance = [act_as_caller]
    assert alice.resume(started["action_id"], 200)["status"] == "ACTIVE"


def test_an_action_that_acts_as_its_creator_advances_for_nobody_else(
    app: Flask, login: Any, globus: PatchedGlobus, script: Script, clock: Clock
) -> None:
    globus.dependent_scopes.append(SCOPE)
    alice, bob = login(ALICE), login(BOB)
    script.advance = [act_as_caller]
    action_id = alice.run(monitor_by=[BOB.urn])["action_id"]
    clock.tick(seconds=10)
    assert bob.status(action_id)["status"] == "ACTIVE"
    assert "advanced 0" in advance_all(app)
    assert script.names() == ["advance"]
    assert alice.status(action_id)["status"] == "SUCCEEDED"


def test_it_stays_so_whatever_its_later_calls_use(
    alice: Caller, bob: Caller, globus: PatchedGlobus, script: Script, clock: Clock
) -> None:
    globus.dependent_scopes.append(SCOPE)
    script.advance = [act_as_caller, Active(look_after=SOON), RuntimeError("no answer")]
    action_id = alice.run(manage_by=[BOB.urn])["action_id"]
    for calls in (2, 3, 4):
        clock.tick(seconds=10)
        assert bob.status(action_id)["status"] == "ACTIVE"
        assert len(script.jobs("advance")) == calls - 1
        alice.status(action_id)
        assert len(script.jobs("advance")) == calls


def test_release_cleans_up_before_the_action_is_forgotten(
    app: Flask, alice: Caller, script: Script, clock: Clock
) -> None:
    started = alice.run(request_id="again", body={})
    script.release = [RuntimeError("down")]
    assert alice.release(started["action_id"])["status"] == "SUCCEEDED"
    for operation in (alice.status, alice.release, alice.log):
        operation(started["action_id"], 404)
    assert alice.enumerate(status="succeeded,failed,active,inactive") == []
    second = alice.run(request_id="again", body={})
    assert second["action_id"] != started["action_id"]
    clock.tick(seconds=2)
    advance_all(app)
    assert [job.action_id for job in script.jobs("release")] == [started["action_id"]] * 2
    assert provider_of(app).database.get(started["action_id"]) is None


def test_an_expired_action_is_cleaned_up_once_and_a_running_one_never_expires(
    app: Flask, alice: Caller, script: Script, clock: Clock
) -> None:
    script.advance = [Succeeded(), Active(look_after=timedelta(days=3000))]
    ended, running = (alice.run(release_after="PT1H")["action_id"] for _ in range(2))
    clock.tick(days=1000)
    alice.status(ended, 404)
    assert provider_of(app).actions.purge(clock.now) == 0
    assert "cleaned up 1" in advance_all(app)
    assert "cleaned up 0" in advance_all(app)
    assert [job.action_id for job in script.jobs("release")] == [ended]
    assert alice.status(running)["status"] == "ACTIVE"


def test_the_request_of_an_expired_action_starts_a_new_one(alice: Caller, script: Script, clock: Clock) -> None:
    first = alice.run(request_id="r", body={}, release_after="PT1H")["action_id"]
    clock.tick(hours=2)
    assert alice.run(request_id="r", body={}, release_after="PT1H")["action_id"] != first
    assert [job.action_id for job in script.jobs("release")] == [first]


def test_advance_advances_actions_that_nobody_reads(app: Flask, alice: Caller, script: Script, clock: Clock) -> None:
    callers: list[Any] = []

    def finish(job: Job, context: Context) -> Step:
        callers.append(context.caller)
        return Succeeded()

    script.advance = [Active(look_after=SOON), finish]
    action_id = alice.run()["action_id"]
    assert "advanced 0" in advance_all(app)
    clock.tick(seconds=10)
    assert advance_all(app) == "advanced 1, ended 1, cleaned up 0\n"
    assert callers == [None]
    assert alice.enumerate(status="succeeded")[0]["action_id"] == action_id


def test_the_log_records_each_change_and_keeps_the_last_hundred(alice: Caller, script: Script, clock: Clock) -> None:
    script.advance = [
        Active(display_status="queued", look_after=SOON),
        Active(display_status="queued", look_after=SOON),
        Inactive("Wait", "Please look."),
        *(Active(display_status=f"{number}", look_after=SOON) for number in range(150)),
    ]
    action_id = alice.run()["action_id"]
    for _ in range(2):
        clock.tick(seconds=10)
        alice.status(action_id)
    alice.resume(action_id, 200)
    entries = alice.log(action_id)["entries"]
    assert [entry["code"] for entry in entries] == ["STARTED", "ACTIVE", "INACTIVE", "ACTIVE", "ACTIVE"]
    assert [entry["description"] for entry in entries[1:3]] == ["queued", "Please look."]
    for _ in range(160):
        clock.tick(seconds=10)
        alice.status(action_id)
    entries = alice.log(action_id, limit=1000)["entries"]
    assert len(entries) == 100
    assert [entry["code"] for entry in (entries[0], entries[-1])] == ["STARTED", "SUCCEEDED"]


def test_when_all_places_for_hooks_are_taken_requests_are_answered_from_storage(
    app: Flask, alice: Caller, script: Script, clock: Clock
) -> None:
    limiter = provider_of(app).limiter
    taken = [limiter.try_enter("work") for _ in range(9)]
    assert taken == [True] * 8 + [False]
    started = alice.run()
    assert (started["status"], script.calls) == ("ACTIVE", [])
    assert alice.status(started["action_id"]) == started
    limiter.leave("work")
    assert alice.status(started["action_id"])["status"] == "SUCCEEDED"


def test_of_many_simultaneous_requests_one_calls_the_hook(alice: Caller, script: Script, clock: Clock) -> None:
    under_way, most = threading.Semaphore(1), []

    def poll(job: Job, context: Context) -> Step:
        most.append(under_way.acquire(blocking=False))
        alice.status(job.action_id)
        under_way.release()
        return Active(details={"done": len(most)}, look_after=SOON)

    script.advance = [poll] * 5
    action_id = alice.run()["action_id"]
    barrier = threading.Barrier(24)

    def ask(_: int) -> str:
        barrier.wait()
        return str(alice.status(action_id)["status"])

    with ThreadPoolExecutor(24) as pool:
        for calls in range(2, 5):
            clock.tick(seconds=10)
            assert set(pool.map(ask, range(24))) == {"ACTIVE"}
            assert most == [True] * calls


def test_begin_refuses_requests_with_the_errors_of_the_interface(alice: Caller, script: Script) -> None:
    script.begin = [InvalidRequest("No.", "Never."), NotAuthorized("You may not do this.")]
    assert alice.run(400)["errors"][1]["detail"] == "Never."
    check_error(alice.run(403), "NotAuthorized")


WRONG_STEPS = {
    "nothing": None,
    "text": "done",
    "a state that is not JSON": Active(state={"when": object()}),
    "details that are not JSON": Active(details={"set": {3}}),
    "a time without a zone": EndsAt(Clock().now.replace(tzinfo=None), Succeeded()),
    "an error as its message": Failed(cast(str, ValueError("no")), "FAILED"),
    "a number as an error": Failed("No.", cast(str, 404)),
    "text that UTF-8 cannot express": Failed("\udce4", "FAILED"),
    "a display_status that UTF-8 cannot express": Active(display_status="\udce4"),
    "waiting for no reason": Inactive("Wait", cast(str, None)),
    "a scope that is an object": Inactive("Wait", "…", required_scope=cast(str, object())),
    "a pause that is a number": Active(look_after=cast(timedelta, 5)),
}


@pytest.mark.parametrize("kind", WRONG_STEPS)
def test_an_invalid_step_is_the_providers_fault_and_starts_nothing(
    alice: Caller, script: Script, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    wrong = WRONG_STEPS[kind]
    script.begin = [lambda body, context: wrong]
    check_error(alice.run(500), "DeveloperError")
    assert alice.enumerate() == []
    script.advance = [lambda job, context: wrong]
    assert alice.run()["status"] == "ACTIVE"
    assert len(alice.enumerate()) == 1


def test_a_pause_of_any_length_is_kept(alice: Caller, script: Script, clock: Clock) -> None:
    script.advance = [Active(look_after=timedelta.min), Active(look_after=timedelta.max)]
    action_id = alice.run()["action_id"]
    assert [alice.status(action_id)["status"] for _ in range(3)] == ["ACTIVE"] * 3
    clock.tick(days=36500)
    assert alice.status(action_id)["status"] == "ACTIVE"
    assert script.names() == ["advance"] * 2


def test_body_and_state_stay_private(app: Flask, alice: Caller, script: Script, clock: Clock, caplog: Any) -> None:
    secret = {"state-secret": "s3cr3t"}
    script.advance = [
        Active(secret, look_after=SOON),
        RuntimeError("down"),
        Inactive("Wait", "…", secret),
        Succeeded({"public": 1}),
    ]
    started = alice.run(request_id="private", body={"body-secret": "s3cr3t"})
    action_id = started["action_id"]
    seen = [started, alice.run(200, request_id="private", body={"body-secret": "s3cr3t"}), alice.enumerate()]
    seen.append(alice.run(409, request_id="private", body={"other": 1}))
    for seconds in (10, 2, 2):
        clock.tick(seconds=seconds)
        seen += [alice.status(action_id), alice.log(action_id), alice.release(action_id, 409)]
    seen += [alice.enumerate(status="inactive"), alice.resume(action_id, 200), alice.log(action_id)]
    seen += [alice.status(action_id), alice.release(action_id)]
    shown = json.dumps(seen) + app.test_client().get("/metrics").text + caplog.text
    assert "secret" not in shown
    assert "s3cr3t" not in shown


def test_hooks_are_timed_and_counted(app: Flask, alice: Caller, script: Script) -> None:
    script.advance = [RuntimeError("down"), Succeeded()]
    alice.run()
    alice.run()
    shown = app.test_client().get("/metrics").text
    assert 'action_provider_hook_seconds_count{hook="advance",result="raised"} 1.0' in shown
    assert 'action_provider_hook_seconds_count{hook="advance",result="returned"} 1.0' in shown
