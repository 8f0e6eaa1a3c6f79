"""The operations, as a caller sees them."""

from __future__ import annotations

import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from random import SystemRandom
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.api import Caller, check_error, check_status_document, provider_of
from tests.clock import Clock
from tests.conftest import ALICE, BOB, CAROL, CREDENTIALS, GROUP, AppFactory, CallerFactory
from tests.patched_auth import PatchedGlobus

LATER = {"minutes": 16}


def test_introspect_says_what_the_provider_is(alice: Caller) -> None:
    document = alice.introspect()
    assert document["title"] == "What Time Is It Right Now?"
    assert document["globus_auth_scope"] == CREDENTIALS["SCOPE"]
    assert document["input_schema"]["properties"]["utc_offset"]["multipleOf"] == 0.25
    assert document["visible_to"] == document["runnable_by"] == ["all_authenticated_users"]
    assert (document["api_version"], document["synchronous"], document["log_supported"]) == ("1.0", False, True)
    assert document["maximum_deadline"] == "P30D"
    assert document["description"]


def test_pages_of_other_sites_can_read_the_introspection_document(client: FlaskClient, token: str) -> None:
    preflight = client.options("/", headers={"Origin": "https://app.globus.org"})
    assert (preflight.status_code, preflight.data) == (204, b"")
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"
    assert preflight.headers["Access-Control-Allow-Methods"] == "GET, OPTIONS"
    assert "Authorization" in preflight.headers["Access-Control-Allow-Headers"]
    response = client.get("/", headers={"Authorization": f"Bearer {token}"})
    assert response.headers["Access-Control-Allow-Origin"] == "*"


def test_a_browser_is_sent_to_the_docs_page(client: FlaskClient) -> None:
    accept = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
    response = client.get("/", headers=accept)
    assert (response.status_code, response.headers["Location"]) == (303, "/docs/")
    assert client.get("/").status_code == 401
    assert client.get("/", headers={"Accept": "*/*"}).status_code == 401


def test_introspect_of_a_public_provider_needs_no_token(provider: CallerFactory) -> None:
    nobody = provider(None, VISIBLE_TO="public")
    assert nobody.introspect()["visible_to"] == ["public"]
    nobody.run(401)


def test_run_starts_an_action_that_keeps_its_outcome_to_itself(alice: Caller, clock: Clock) -> None:
    document = alice.run(label="tea")
    assert document["status"] == "ACTIVE"
    assert document["label"] == "tea"
    assert document["creator_id"] == ALICE.urn
    assert set(document["monitor_by"]) == set(document["manage_by"]) == {ALICE.urn, *map(urn, ALICE.linked_ids)}
    assert document["release_after"] == "P30D"
    assert document["start_time"] == clock.now.isoformat()
    assert "completion_time" not in document
    assert document["details"].keys() == {"estimated_completion_time"}
    takes = datetime.fromisoformat(document["details"]["estimated_completion_time"]) - clock.now
    assert timedelta(seconds=5) <= takes <= timedelta(seconds=900)


def test_an_action_succeeds_with_the_time_of_its_request_at_the_offset(provider: CallerFactory, clock: Clock) -> None:
    alice = provider(ALICE, FAILURE_RATE=0)
    started = alice.run(utc_offset=-3.5)
    clock.tick(**LATER)
    document = alice.status(started["action_id"])
    assert document["status"] == "SUCCEEDED"
    assert document["details"] == {"whattimeisit": "2026-03-14T11:39:26-03:30"}
    assert document["completion_time"] == started["details"]["estimated_completion_time"]


def test_a_failed_action_says_why(provider: CallerFactory, clock: Clock) -> None:
    alice = provider(ALICE, FAILURE_RATE=1)
    started = alice.run()
    clock.tick(**LATER)
    document = alice.status(started["action_id"])
    assert document["status"] == "FAILED"
    assert document["details"] == {"message": "We didn't know what time it was.", "error": "WATCHLESS"}


def test_an_action_is_complete_from_its_completion_time_on(provider: CallerFactory, clock: Clock) -> None:
    alice = provider(ALICE, MIN_SECONDS=10, MAX_SECONDS=10)
    action_id = alice.run()["action_id"]
    clock.tick(seconds=9.999999)
    assert alice.status(action_id)["status"] == "ACTIVE"
    clock.tick(seconds=0.000001)
    assert alice.status(action_id)["status"] != "ACTIVE"


def test_what_was_seen_complete_stays_so_for_a_reader_whose_clock_lags(alice: Caller, clock: Clock) -> None:
    action_id = alice.run()["action_id"]
    clock.tick(**LATER)
    seen = alice.status(action_id)
    clock.tick(minutes=-16)
    assert alice.status(action_id) == seen
    alice.cancel(action_id, 409)


def test_both_path_styles_name_the_same_actions(alice: Caller, clock: Clock) -> None:
    body = {"request_id": "both", "body": {"utc_offset": 0}}
    action_id = alice.request("POST", "/actions", 202, json=body)["action_id"]
    alice.request("POST", "/run", 200, json=body)
    assert alice.request("GET", f"/actions/{action_id}", 200) == alice.status(action_id)
    assert alice.request("GET", f"/actions/{action_id}/log", 200) == alice.log(action_id)
    alice.request("POST", f"/actions/{action_id}/resume", 409)
    cancelled = alice.request("POST", f"/actions/{action_id}/cancel", 200)
    check_status_document(cancelled)
    assert alice.request("DELETE", f"/actions/{action_id}", 200) == cancelled
    alice.request("GET", f"/actions/{action_id}", 404)


def test_a_repeated_request_is_answered_with_the_same_action(alice: Caller) -> None:
    first = alice.run(request_id="once", monitor_by=[], manage_by=[])
    assert alice.run(200, request_id="once") == first
    assert alice.run(200, request_id="once", utc_offset=1.0) == first


def test_request_ids_of_different_callers_are_unrelated(alice: Caller, bob: Caller) -> None:
    assert alice.run(request_id="mine")["action_id"] != bob.run(request_id="mine")["action_id"]


@pytest.mark.parametrize(
    "difference",
    [{"utc_offset": 2}, {"label": "x"}, {"monitor_by": [BOB.urn]}, {"manage_by": [BOB.urn]}, {"release_after": "P1D"}],
    ids=str,
)
def test_a_request_id_with_other_content_conflicts(alice: Caller, difference: dict[str, Any]) -> None:
    alice.run(request_id="twice")
    check_error(alice.run(409, request_id="twice", **difference), "InvalidState")


def test_a_repeat_after_the_deadline_is_still_a_repeat(alice: Caller, clock: Clock) -> None:
    deadline = (clock.now + timedelta(seconds=1)).isoformat()
    alice.run(request_id="late", deadline=deadline)
    clock.tick(seconds=2)
    assert alice.run(200, request_id="late", deadline=deadline)["details"]["error"] == "DEADLINE_EXCEEDED"


def test_64_simultaneous_requests_start_one_action(globus: PatchedGlobus, new_app: AppFactory) -> None:
    app = new_app(threads=128)
    token = globus.login(ALICE)
    barrier = threading.Barrier(64)

    def run(_: int) -> tuple[int, str]:
        barrier.wait()
        response = app.test_client().post(
            "/run",
            headers={"Authorization": f"Bearer {token}"},
            json={"request_id": "r", "body": {"utc_offset": 1}},
        )
        return response.status_code, response.get_json()["action_id"]

    with ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(run, range(64)))
    assert sorted(status for status, _ in answers) == [200] * 63 + [202]
    assert len({action_id for _, action_id in answers}) == 1
    assert globus.calls == ["introspect"]


def test_cancel_ends_an_action_now(alice: Caller, clock: Clock) -> None:
    action_id = alice.run()["action_id"]
    clock.tick(seconds=3)
    document = alice.cancel(action_id)
    assert document["status"] == "FAILED"
    assert document["details"] == {"message": "Job cancelled", "error": "CANCELLED"}
    assert document["completion_time"] == clock.now.isoformat()
    clock.tick(**LATER)
    assert alice.status(action_id) == document


def test_cancel_of_a_complete_action_conflicts(alice: Caller, clock: Clock) -> None:
    action_id = alice.run()["action_id"]
    clock.tick(**LATER)
    check_error(alice.cancel(action_id, 409), "InvalidState")
    cancelled = alice.run()["action_id"]
    alice.cancel(cancelled)
    alice.cancel(cancelled, 409)


def test_release_forgets_a_complete_action_and_its_request(alice: Caller, clock: Clock) -> None:
    first = alice.run(request_id="again")
    check_error(alice.release(first["action_id"], 409), "InvalidState")
    clock.tick(**LATER)
    last = alice.status(first["action_id"])
    assert alice.release(first["action_id"]) == last
    for operation in (alice.status, alice.cancel, alice.release, alice.log):
        operation(first["action_id"], 404)
    assert alice.run(request_id="again")["action_id"] != first["action_id"]


def test_resume_conflicts_because_no_action_is_inactive(alice: Caller, clock: Clock) -> None:
    action_id = alice.run()["action_id"]
    check_error(alice.resume(action_id, 409), "InvalidState")
    clock.tick(**LATER)
    alice.resume(action_id, 409)


def test_an_action_that_would_be_late_fails_at_its_deadline(provider: CallerFactory, clock: Clock) -> None:
    alice = provider(ALICE, MIN_SECONDS=60, MAX_SECONDS=60)
    deadline = clock.now + timedelta(seconds=30)
    started = alice.run(deadline=deadline.isoformat())
    assert started["status"] == "ACTIVE"
    clock.tick(seconds=30)
    document = alice.status(started["action_id"])
    assert document["status"] == "FAILED"
    assert document["details"]["error"] == "DEADLINE_EXCEEDED"
    assert document["completion_time"] == deadline.isoformat()


def test_a_deadline_must_be_ahead_and_not_too_far(alice: Caller, clock: Clock) -> None:
    for deadline in (clock.now, clock.now - timedelta(days=1), clock.now + timedelta(days=30, seconds=1)):
        check_error(alice.run(400, deadline=deadline.isoformat()), "InvalidRequest")
    alice.run(deadline=(clock.now + timedelta(days=30)).isoformat())


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("P1D", "P1D"),
        ("P1W", "P7D"),
        ("P1M", "P31D"),
        ("P1Y", "P365D"),
        ("P999Y", "P365D"),
        ("P" + "9" * 999 + "Y", "P365D"),
    ],
)
def test_the_status_shows_the_effective_release_after(alice: Caller, asked: str, shown: str) -> None:
    assert alice.run(release_after=asked)["release_after"] == shown


def test_an_action_is_gone_release_after_its_completion(alice: Caller, clock: Clock) -> None:
    first = alice.run(request_id="short", release_after="PT1H")
    completion_time = datetime.fromisoformat(first["details"]["estimated_completion_time"])
    clock.now = completion_time + timedelta(hours=1) - timedelta(microseconds=1)
    assert alice.status(first["action_id"])["status"] != "ACTIVE"
    clock.tick(microseconds=1)
    alice.status(first["action_id"], 404)
    assert alice.run(request_id="short", release_after="PT1H")["action_id"] != first["action_id"]


def test_log_has_the_start_and_then_the_end(alice: Caller, clock: Clock) -> None:
    started = alice.run()
    log = alice.log(started["action_id"])
    assert [entry["code"] for entry in log["entries"]] == ["STARTED"]
    assert log["entries"][0].keys() == {"time", "code", "description", "details"}
    clock.tick(seconds=1)
    alice.cancel(started["action_id"])
    log = alice.log(started["action_id"])
    assert [entry["code"] for entry in log["entries"]] == ["STARTED", "CANCELLED"]
    assert log["entries"][1]["time"] == clock.now.isoformat()
    assert (log["has_next_page"], log["marker"]) == (False, None)


def test_log_comes_in_pages_and_in_reverse(alice: Caller) -> None:
    action_id = alice.run()["action_id"]
    alice.cancel(action_id)
    first = alice.log(action_id, limit=1)
    assert [entry["code"] for entry in first["entries"]] == ["STARTED"]
    assert first["has_next_page"]
    for name in ("marker", "pagination_token"):
        second = alice.log(action_id, limit=1, **{name: first["marker"]})
        assert [entry["code"] for entry in second["entries"]] == ["CANCELLED"]
        assert not second["has_next_page"]
    assert alice.log(action_id, limit=1, reverse_order=True)["entries"] == second["entries"]


@pytest.mark.parametrize(
    "query",
    [{"limit": 0}, {"limit": "x"}, {"limit": 10**30}, {"marker": "-1"}, {"marker": "٣"}, {"reverse_order": "no"}],
)
def test_log_refuses_invalid_queries(alice: Caller, query: dict[str, Any]) -> None:
    check_error(alice.log(alice.run()["action_id"], 400, **query), "InvalidRequest")


def test_nothing_readable_hints_at_the_outcome(provider: CallerFactory, clock: Clock) -> None:
    """Actions that will fail, succeed and miss their deadline look alike until they are complete."""

    def shape(document: Any) -> Any:
        if isinstance(document, dict):
            return {name: shape(member) for name, member in document.items()}
        return [shape(item) for item in document] if isinstance(document, list) else type(document)

    seen = []
    for settings in ({"FAILURE_RATE": 0}, {"FAILURE_RATE": 1}):
        alice = provider(ALICE, MIN_SECONDS=60, MAX_SECONDS=60, **settings)
        variants: list[dict[str, Any]] = [{}, {"deadline": (clock.now + timedelta(seconds=50)).isoformat()}]
        for fields in variants:
            started = alice.run(request_id="r" + str(fields), **fields)
            readings = [
                started,
                alice.run(200, request_id="r" + str(fields), **fields),
                alice.status(started["action_id"]),
                alice.log(started["action_id"]),
                alice.release(started["action_id"], 409),
                alice.resume(started["action_id"], 409),
            ]
            assert not any(
                word in json.dumps(readings) for word in ("whattimeisit", "WATCHLESS", "DEADLINE", "outcome")
            )
            seen.append(shape(readings))
    assert all(shapes == seen[0] for shapes in seen)


def test_monitors_may_read_and_managers_may_manage(alice: Caller, bob: Caller, carol: Caller) -> None:
    action_id = alice.run(monitor_by=[BOB.urn.upper().replace("URN:GLOBUS:AUTH:IDENTITY", "urn:globus:auth:identity")])[
        "action_id"
    ]
    bob.status(action_id)
    bob.log(action_id)
    for forbidden in (bob.cancel, bob.release, bob.resume):
        check_error(forbidden(action_id, 403), "NotAuthorized")
    for unknown in (carol.status, carol.log, carol.cancel, carol.release, carol.resume):
        check_error(unknown(action_id, 404), "NotFound")
    managed = alice.run(manage_by=[BOB.urn])["action_id"]
    bob.status(managed)
    bob.cancel(managed)
    bob.release(managed)


def test_groups_may_monitor_and_manage(alice: Caller, bob: Caller, carol: Caller, globus: PatchedGlobus) -> None:
    action_id = alice.run(monitor_by=[GROUP])["action_id"]
    bob.status(action_id)
    bob.cancel(action_id, 403)
    carol.status(action_id, 404)
    bob.cancel(alice.run(manage_by=[GROUP])["action_id"])
    asked = len(globus.calls)
    alice.status(action_id)
    assert len(globus.calls) == asked, "the creator's own identity decides: no group needs asking"


def test_the_creator_may_do_anything_with_each_linked_identity(alice: Caller, provider: CallerFactory) -> None:
    action_id = alice.run(monitor_by=[BOB.urn], manage_by=[BOB.urn])["action_id"]
    alice.cancel(action_id)
    alice.release(action_id)


def test_an_action_hidden_from_the_caller_looks_like_a_missing_one(alice: Caller, carol: Caller) -> None:
    action_id = alice.run()["action_id"]
    hidden = json.dumps(carol.status(action_id, 404)).replace(action_id, "ID")
    missing = json.dumps(carol.status("00000000-0000-4000-8000-000000000000", 404))
    assert hidden == missing.replace("00000000-0000-4000-8000-000000000000", "ID")


def test_visible_to_and_runnable_by_are_enforced(provider: CallerFactory) -> None:
    settings = {"VISIBLE_TO": f"{CAROL.urn},{GROUP}", "RUNNABLE_BY": CAROL.urn.upper()}
    provider(CAROL, **settings).run()
    provider(CAROL, **settings).introspect()
    provider(BOB, **settings).introspect()
    check_error(provider(BOB, **settings).run(403), "NotAuthorized")
    check_error(provider(ALICE, **settings).introspect(403), "NotAuthorized")


def test_enumerate_lists_the_callers_active_actions(alice: Caller, bob: Caller, clock: Clock) -> None:
    first = alice.run()
    clock.tick(seconds=1)
    second = alice.run()
    assert alice.enumerate() == [second, first]
    alice.cancel(first["action_id"])
    assert alice.enumerate() == [second]
    assert [action["action_id"] for action in alice.enumerate(status="Failed,ACTIVE")] == [
        second["action_id"],
        first["action_id"],
    ]
    assert bob.enumerate() == []
    clock.tick(**LATER)
    assert alice.enumerate() == alice.enumerate(status="inactive") == []
    assert len(alice.enumerate(status="succeeded,failed")) == 2


def test_enumerate_filters_by_role_including_roles_of_groups(alice: Caller, bob: Caller, carol: Caller) -> None:
    watched = alice.run(monitor_by=[GROUP])
    managed = alice.run(manage_by=[BOB.urn])
    assert bob.enumerate(roles="monitor_by") == [watched]
    assert bob.enumerate(roles="MANAGE_BY,creator_id") == [managed]
    assert {each["action_id"] for each in bob.enumerate(roles="monitor_by,manage_by")} == {
        watched["action_id"],
        managed["action_id"],
    }
    assert carol.enumerate(roles="creator_id,monitor_by,manage_by") == []


def test_enumerate_comes_in_pages_that_link_to_the_next(client: FlaskClient, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    started = []
    for number in range(7):
        request = {"request_id": f"page-{number}", "body": {"utc_offset": 0}}
        started.append(client.post("/run", json=request, headers=headers).get_json()["action_id"])
    url, seen = "/actions?limit=3&status=active", []
    while url:
        response = client.get(url, headers=headers)
        page = [action["action_id"] for action in response.get_json()]
        assert 0 < len(page) <= 3
        seen += page
        link = re.fullmatch(r'<(/actions\?.+)>; rel="next"', response.headers.get("Link", ""))
        url = link[1] if link else ""
    assert seen == started[::-1]


@pytest.mark.parametrize(
    "query",
    [
        {"status": "done"},
        {"status": "active,"},
        {"roles": "owner"},
        {"limit": "0"},
        {"limit": "1001"},
        {"marker": "x"},
        {"marker": "é"},
        {"marker": "MjAyNi0wMS0wMVQwMDowMDowMCB4"},
    ],
    ids=str,
)
def test_enumerate_refuses_invalid_queries(alice: Caller, query: dict[str, str]) -> None:
    check_error(alice.request("GET", "/actions", 400, query_string=query), "InvalidRequest")


def test_starting_an_action_purges_expired_ones(
    globus: PatchedGlobus, clock: Clock, database_url: str, new_app: AppFactory
) -> None:
    app = new_app(DATABASE_URL=database_url, clock=clock, timer=clock.timer)
    alice = Caller(app.test_client(), globus.login(ALICE))
    for _ in range(3):
        alice.run(release_after="PT1H")
    kept = alice.run(release_after="P1D")
    clock.tick(hours=2)
    alice.run()
    assert provider_of(app).actions.purge(clock.now, 10) == 0
    assert alice.status(kept["action_id"])["action_id"] == kept["action_id"]


def test_the_purge_command_drops_all_expired_actions(
    globus: PatchedGlobus, clock: Clock, database_url: str, new_app: AppFactory
) -> None:
    app = new_app(DATABASE_URL=database_url, clock=clock, timer=clock.timer)
    alice = Caller(app.test_client(), globus.login(ALICE))
    for _ in range(5):
        alice.run(release_after="PT1H")
    clock.tick(hours=2)
    result = app.test_cli_runner().invoke(args=["purge"])
    assert (result.exit_code, result.stdout) == (0, "5\n")


def test_without_a_seed_outcomes_are_unpredictable(globus: PatchedGlobus, new_app: AppFactory) -> None:
    assert isinstance(provider_of(new_app()).actions._hooks._random, SystemRandom)


def test_a_seed_makes_outcomes_repeatable(provider: CallerFactory) -> None:
    def drawn(**settings: Any) -> list[str]:
        alice = provider(ALICE, RANDOM_SEED=7, **settings)
        return [alice.run()["details"]["estimated_completion_time"] for _ in range(3)]

    assert drawn() == drawn(TOKEN_CACHE_SIZE=9)


def urn(id_: str) -> str:
    return f"urn:globus:auth:identity:{id_}"


@pytest.fixture
def client(globus: PatchedGlobus, new_app: AppFactory) -> FlaskClient:
    return new_app().test_client()


@pytest.fixture
def token(globus: PatchedGlobus) -> str:
    return globus.login(ALICE)
