"""Edge cases: strangers, deadlines, jumping clocks, failing stores, and logged warnings."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import globus_sdk
import pytest
from flask.testing import FlaskClient

from app import create_app
from app.action.actions import PURGE_SECONDS
from app.action.error import Unavailable
from app.auth.upstream import CALLS_AT_ONCE, UpstreamClients
from app.monitoring.health import HEALTH_SECONDS
from app.monitoring.request_log import current_request_id
from tests.api import Caller, provider_of
from tests.clock import Clock
from tests.conftest import ALICE, CAROL, CREDENTIALS
from tests.patched_auth import PatchedGlobus
from tests.test_monitoring import metrics

TEN_SECONDS = {"FAILURE_RATE": 0, "MIN_SECONDS": 10, "MAX_SECONDS": 10}


class Timer:
    """A monotonic clock that does not jump along with the other one."""

    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def timer() -> Timer:
    return Timer()


@pytest.fixture
def client(globus: PatchedGlobus, clock: Clock, timer: Timer) -> FlaskClient:
    return create_app({**CREDENTIALS, **TEN_SECONDS}, clock=clock, timer=timer).test_client()


@pytest.fixture
def alice(client: FlaskClient, globus: PatchedGlobus) -> Caller:
    return Caller(client, globus.login(ALICE))


def test_a_request_from_a_stranger_neither_ends_an_action_nor_counts_its_end(
    client: FlaskClient, alice: Caller, globus: PatchedGlobus, clock: Clock
) -> None:
    action_id, stranger = alice.run()["action_id"], Caller(client, globus.login(CAROL))
    clock.tick(seconds=10)
    for look in (stranger.status, stranger.log, stranger.cancel, stranger.release):
        look(action_id, 404)
    stranger.resume(action_id, 404)
    assert metrics(client)["actions_total{event=succeeded}"] == 0
    stored = provider_of(client.application).database.get(action_id)
    assert stored is not None
    assert not stored.final
    alice.status(action_id)
    assert metrics(client)["actions_total{event=succeeded}"] == 1


def test_the_estimate_does_not_reveal_that_a_deadline_comes_first(alice: Caller, clock: Clock) -> None:
    drawn = clock.now + timedelta(seconds=10)
    deadline = clock.now + timedelta(seconds=4)
    started = alice.run(deadline=deadline.isoformat())
    assert datetime.fromisoformat(started["details"]["estimated_completion_time"]) == drawn
    clock.tick(seconds=4)
    ended = alice.status(started["action_id"])
    assert ended["details"]["error"] == "DEADLINE_EXCEEDED"
    assert datetime.fromisoformat(ended["completion_time"]) == deadline


def test_a_clock_that_jumps_ahead_and_back_stops_neither_purging_nor_health(
    client: FlaskClient, alice: Caller, globus: PatchedGlobus, clock: Clock, timer: Timer
) -> None:
    assert client.get("/health").status_code == 200
    alice.run(release_after="PT1M")
    clock.tick(days=400)
    timer.seconds += PURGE_SECONDS
    alice.run()
    clock.tick(days=-400)
    timer.seconds += PURGE_SECONDS + HEALTH_SECONDS
    for _ in range(3):
        alice.run(release_after="PT1M")
    clock.tick(minutes=2)
    timer.seconds += PURGE_SECONDS
    alice.run()
    assert metrics(client)["actions_total{event=expired}"] == 4
    globus.failure = globus_sdk.NetworkError("unreachable", OSError())
    assert client.get("/health").status_code == 503


def test_when_nothing_can_be_written_actions_that_ended_unseen_are_still_read(
    client: FlaskClient, alice: Caller, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    action_id = alice.run()["action_id"]

    def fail(*_: object) -> None:
        raise Unavailable("The database is full.")

    monkeypatch.setattr(provider_of(client.application).database, "replace", fail)
    alice.status(action_id)
    clock.tick(seconds=10)
    alice.status(action_id, 503)  # a cancellation may still be under way
    clock.tick(minutes=1)
    for _ in range(2):
        assert alice.status(action_id)["status"] == "SUCCEEDED"
    alice.log(action_id)
    alice.cancel(action_id, 409)
    monkeypatch.undo()
    assert alice.status(action_id)["completion_time"] == alice.release(action_id)["completion_time"]


def test_warnings_of_a_call_to_globus_carry_the_id_of_the_request(
    client: FlaskClient, globus: PatchedGlobus, caplog: pytest.LogCaptureFixture
) -> None:
    logged: list[tuple[str, str | None]] = []

    class Recorder(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            logged.append((threading.current_thread().name, current_request_id.get()))

    handler = Recorder()
    logger = logging.getLogger("app.auth.upstream")
    logger.addHandler(handler)
    globus.failure = globus_sdk.NetworkError("unreachable", OSError())
    headers = {"Authorization": f"Bearer {globus.login(ALICE)}", "X-Request-ID": "mine-1"}
    assert client.get("/", headers=headers).status_code == 503
    logger.removeHandler(handler)
    ((thread, request_id),) = logged
    assert thread.startswith("globus")
    assert request_id == "mine-1"


def test_each_call_to_globus_finds_a_kept_connection() -> None:
    made: Any = UpstreamClients().make_confidential_app_auth_client(CREDENTIALS["CLIENT_ID"], "x")
    for scheme in ("https://", "http://"):
        assert made.transport.session.get_adapter(scheme)._pool_maxsize == CALLS_AT_ONCE


def test_a_burst_of_refusals_gets_different_retry_times(client: FlaskClient, globus: PatchedGlobus) -> None:
    globus.failure = globus_sdk.NetworkError("unreachable", OSError())
    told = {
        client.get("/", headers={"Authorization": f"Bearer {globus.login(ALICE)}"}).headers["Retry-After"]
        for _ in range(100)
    }
    assert told == {"1", "2", "3"}


def test_a_deadline_that_passes_while_the_body_arrives_is_refused(
    client: FlaskClient, alice: Caller, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.web.body import read_body

    def read_slowly(*arguments: Any) -> bytes:
        clock.tick(seconds=5)
        return read_body(*arguments)

    monkeypatch.setattr("app.app.read_body", read_slowly)
    alice.run(400, deadline=(clock.now + timedelta(seconds=3)).isoformat())


def test_one_caller_gets_at_most_half_of_the_places_for_bodies(client: FlaskClient) -> None:
    limiter, hold = provider_of(client.application).limiter, threading.Event()

    def read(owner: str) -> bool:
        try:
            with limiter.holding("body", "busy", owner=owner):
                return hold.wait(20)
        except Unavailable:
            return False

    with ThreadPoolExecutor(16) as pool:
        slow = [pool.submit(read, "slow caller") for _ in range(8)]
        refused = list(islice(as_completed(slow, timeout=60), 4))
        with limiter.holding("body", "busy", owner="another"):
            hold.set()
    assert not any(each.result() for each in refused)
    assert sum(each.result() for each in slow) == 4
