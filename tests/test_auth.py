"""Who is asking: what tokens hold, what is remembered of them, and what happens when Globus does not answer."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import globus_sdk
import pytest
from flask.testing import FlaskClient

from app import create_app
from app.auth import SLOW_WAITERS, RememberingAuthStateBuilder, Upstream
from app.error import ServiceUnavailable
from app.metrics import Metrics
from tests.api import check_error
from tests.conftest import ALICE, BOB, CREDENTIALS, GROUP, CallerFactory
from tests.patched_auth import PatchedGlobus


@pytest.fixture
def client(globus: PatchedGlobus) -> FlaskClient:
    return create_app(CREDENTIALS).test_client()


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Bearer short", "Bearer " + "x" * 2049, "Basic YWxpY2U6eA==", "local-token-x"],
)
def test_without_a_token_globus_auth_is_not_asked(
    client: FlaskClient, globus: PatchedGlobus, header: str | None
) -> None:
    response = client.get("/x/status", headers={} if header is None else {"Authorization": header})
    assert response.status_code == 401
    check_error(response.json, "NoAuthentication")
    assert response.headers["WWW-Authenticate"] == f'Bearer realm="Globus Auth", scope="{CREDENTIALS["SCOPE"]}"'
    assert globus.calls == []


def test_a_token_that_does_not_hold_is_refused(client: FlaskClient, globus: PatchedGlobus) -> None:
    for token in (
        "unknown-token",
        globus.login(ALICE, active=False),
        globus.login(ALICE, scopes=["https://auth.globus.org/scopes/other/all"]),
        globus.login(ALICE, scopes=[]),
        "tökén-of-nobody",
    ):
        response = client.get("/x/status", headers={"Authorization": f"Bearer {token}"})
        assert response.status_code == 401
        check_error(response.json, "NoAuthentication")
        assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]
        assert token not in response.get_data(as_text=True)


NONSENSE: list[Any] = [
    None,
    [],
    "active",
    {},
    {"active": "perhaps"},
    {"active": True, "scope": CREDENTIALS["SCOPE"]},
    {"active": True, "scope": CREDENTIALS["SCOPE"], "sub": "alice", "identity_set": []},
    {"active": True, "scope": CREDENTIALS["SCOPE"], "sub": None, "identity_set": []},
    {"active": True, "scope": CREDENTIALS["SCOPE"], "sub": ALICE.id},
    {"active": True, "scope": CREDENTIALS["SCOPE"], "sub": ALICE.id, "identity_set": [None]},
    {"active": True, "scope": 7, "sub": ALICE.id, "identity_set": []},
]


@pytest.mark.parametrize("answer", NONSENSE, ids=str)
def test_nonsense_from_globus_auth_is_not_the_callers_fault(
    client: FlaskClient, globus: PatchedGlobus, answer: Any
) -> None:
    globus.answer("token-of-nonsense", answer)
    response = client.get("/", headers={"Authorization": "Bearer token-of-nonsense"})
    assert response.status_code == 503
    check_error(response.json, "ServiceUnavailable")
    assert int(response.headers["Retry-After"]) > 0


def test_when_globus_auth_fails_the_known_go_on(client: FlaskClient, globus: PatchedGlobus) -> None:
    known, new = globus.login(ALICE), globus.login(BOB)
    assert client.get("/", headers={"Authorization": f"Bearer {known}"}).status_code == 200
    globus.failure = globus_sdk.NetworkError("unreachable", OSError())
    assert client.get("/", headers={"Authorization": f"Bearer {known}"}).status_code == 200
    assert client.get("/", headers={"Authorization": f"Bearer {new}"}).status_code == 503
    globus.failure = None
    assert client.get("/", headers={"Authorization": f"Bearer {new}"}).status_code == 200


def test_when_globus_groups_fails_it_is_not_taken_for_a_no(provider: CallerFactory, globus: PatchedGlobus) -> None:
    action_id = provider(ALICE).run(monitor_by=[GROUP])["action_id"]
    bob = provider(BOB)
    bob.introspect()
    globus.failure = globus_sdk.NetworkError("unreachable", OSError())
    check_error(bob.status(action_id, 503), "ServiceUnavailable")
    globus.failure = None
    assert bob.status(action_id)["action_id"] == action_id


def test_a_provider_that_may_not_look_at_groups_has_none(
    provider: CallerFactory, globus: PatchedGlobus, monkeypatch: pytest.MonkeyPatch
) -> None:
    action_id = provider(ALICE).run(monitor_by=[GROUP])["action_id"]
    monkeypatch.setattr(globus, "dependent_tokens", lambda _: type("Answer", (), {"by_scopes": {}}))
    provider(BOB).status(action_id, 404)


class Timer:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def build(globus: PatchedGlobus, *, size: int = 100, timer: Timer | None = None) -> RememberingAuthStateBuilder:
    client = globus_sdk.ConfidentialAppAuthClient(CREDENTIALS["CLIENT_ID"], "x")
    return RememberingAuthStateBuilder(
        client, [globus.scope], ttl_seconds=30, size=size, metrics=Metrics(), timer=timer or Timer()
    )


def test_an_answer_holds_for_its_time(globus: PatchedGlobus) -> None:
    timer = Timer()
    builder = build(globus, timer=timer)
    token = globus.login(ALICE)
    assert builder.build(token) is builder.build(token)
    assert globus.calls == ["introspect"]
    timer.now = 30
    assert builder.build(token).effective_identity == ALICE.urn
    assert globus.calls == ["introspect"] * 2


def test_rejected_tokens_are_remembered_and_push_none_out_that_hold(globus: PatchedGlobus) -> None:
    builder = build(globus, size=10)
    token = globus.login(ALICE)
    builder.build(token)
    for number in range(100):
        with pytest.raises(ValueError, match="invalid"):
            builder.build(f"unknown-token-{number}")
    with pytest.raises(ValueError, match="invalid"):
        builder.build("unknown-token-99")
    assert len(globus.calls) == 101
    builder.build(token)
    assert len(globus.calls) == 101


def test_64_simultaneous_first_requests_with_one_token_ask_once(globus: PatchedGlobus) -> None:
    builder = build(globus)
    token = globus.login(ALICE)
    barrier = threading.Barrier(64)

    def ask(_: int) -> str:
        barrier.wait()
        return builder.build(token).effective_identity

    with ThreadPoolExecutor(64) as pool:
        assert set(pool.map(ask, range(64))) == {ALICE.urn}
    assert globus.calls == ["introspect"]


def test_nobody_waits_longer_than_patience_lasts() -> None:
    done = threading.Event()
    upstream = Upstream(Metrics(), patience_seconds=0.01)
    with pytest.raises(ServiceUnavailable, match="in time"):
        upstream.call("auth", "slow", done.wait)
    done.set()


def test_when_globus_is_slow_some_wait_and_further_ones_are_turned_away_at_once(
    globus: PatchedGlobus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.auth.SLOW_SECONDS", 0.01)
    done, upstream = threading.Event(), Upstream(Metrics(), patience_seconds=30)
    with ThreadPoolExecutor(SLOW_WAITERS) as pool:
        waiting = [pool.submit(upstream.call, "auth", number, done.wait) for number in range(SLOW_WAITERS)]
        while upstream._slow_waiters < SLOW_WAITERS:
            pass
        with pytest.raises(ServiceUnavailable, match="too many wait"):
            upstream.call("auth", "one more", done.wait)
        done.set()
        assert all(each.result() for each in waiting)
    assert upstream.call("auth", "later", lambda: "answered") == "answered"


def test_nothing_that_a_token_has_is_logged(
    client: FlaskClient, globus: PatchedGlobus, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    token = globus.login(ALICE)
    globus.failure = globus_sdk.NetworkError("unreachable", OSError())
    client.get("/", headers={"Authorization": f"Bearer {token}"})
    assert "NetworkError" in caplog.text
    assert token[-7:] not in caplog.text
    assert CREDENTIALS["CLIENT_SECRET"] not in caplog.text
