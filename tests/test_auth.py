"""Authentication: which tokens are valid, what is cached, and what happens when Globus does not answer."""

from __future__ import annotations

import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice
from typing import Any

import globus_sdk
import pytest
from flask.testing import FlaskClient

from app.action.error import Unavailable
from app.auth.caller import Caller
from app.auth.tokens import INACTIVE, MAX_CHARACTERS, TokenChecker
from app.auth.upstream import Upstream
from app.limiter import WAITERS, Limiter
from app.monitoring.metrics import Metrics
from tests.api import check_error
from tests.conftest import ALICE, BOB, CREDENTIALS, GROUP, AppFactory, CallerFactory
from tests.patched_auth import PatchedGlobus

TOO_LONG = "Bearer " + "x" * (MAX_CHARACTERS + 1)


@pytest.fixture
def client(globus: PatchedGlobus, new_app: AppFactory) -> FlaskClient:
    return new_app().test_client()


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer short",
        "Bearer " + "x" * (MAX_CHARACTERS + 1),
        "Basic YWxpY2U6eA==",
        "local-token-x",
    ],
)
def test_without_a_token_globus_auth_is_not_asked(
    client: FlaskClient, globus: PatchedGlobus, header: str | None
) -> None:
    response = client.get("/x/status", headers={} if header is None else {"Authorization": header})
    assert response.status_code == 401
    check_error(response.json, "NoAuthentication")
    assert response.headers["WWW-Authenticate"] == f'Bearer realm="Globus Auth", scope="{CREDENTIALS["SCOPE"]}"'
    assert globus.calls == []


def test_an_invalid_token_is_refused(client: FlaskClient, globus: PatchedGlobus) -> None:
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
def test_an_invalid_response_from_globus_auth_is_not_the_callers_fault(
    client: FlaskClient, globus: PatchedGlobus, answer: Any
) -> None:
    globus.answer("token-of-nonsense", answer)
    response = client.get("/", headers={"Authorization": "Bearer token-of-nonsense"})
    assert response.status_code == 503
    check_error(response.json, "ServiceUnavailable")
    assert int(response.headers["Retry-After"]) > 0


def test_known_callers_are_served_when_globus_auth_fails(client: FlaskClient, globus: PatchedGlobus) -> None:
    known, new = globus.login(ALICE), globus.login(BOB)
    assert client.get("/", headers={"Authorization": f"Bearer {known}"}).status_code == 200
    globus.failure = globus_sdk.NetworkError("unreachable", OSError())
    assert client.get("/", headers={"Authorization": f"Bearer {known}"}).status_code == 200
    assert client.get("/", headers={"Authorization": f"Bearer {new}"}).status_code == 503
    globus.failure = None
    assert client.get("/", headers={"Authorization": f"Bearer {new}"}).status_code == 200


def test_a_failure_of_globus_groups_is_not_a_refusal(provider: CallerFactory, globus: PatchedGlobus) -> None:
    action_id = provider(ALICE).run(monitor_by=[GROUP])["action_id"]
    bob = provider(BOB)
    bob.introspect()
    globus.failure = globus_sdk.NetworkError("unreachable", OSError())
    check_error(bob.status(action_id, 503), "ServiceUnavailable")
    globus.failure = None
    assert bob.status(action_id)["action_id"] == action_id


def test_a_provider_without_access_to_groups_sees_none(
    provider: CallerFactory, globus: PatchedGlobus, monkeypatch: pytest.MonkeyPatch
) -> None:
    action_id = provider(ALICE).run(monitor_by=[GROUP])["action_id"]
    monkeypatch.setattr(globus, "dependent_tokens", lambda _: type("Answer", (), {"by_scopes": {}}))
    provider(BOB).status(action_id, 404)


class Timer:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def build(globus: PatchedGlobus, *, size: int = 100, timer: Timer | None = None, threads: int = 128) -> TokenChecker:
    client = globus_sdk.ConfidentialAppAuthClient(CREDENTIALS["CLIENT_ID"], "x")
    upstream = Upstream(Metrics(), Limiter(threads))
    return TokenChecker(
        client,
        globus.scope,
        ttl_seconds=30,
        size=size,
        metrics=Metrics(),
        upstream=upstream,
        timer=timer or Timer(),
    )


def test_an_answer_is_cached_for_its_time(globus: PatchedGlobus) -> None:
    timer = Timer()
    tokens = build(globus, timer=timer)
    token = globus.login(ALICE)
    assert tokens.check(token) is tokens.check(token)
    assert globus.calls == ["introspect"]
    timer.now = 30
    caller = tokens.check(token)
    assert isinstance(caller, Caller)
    assert caller.effective_identity == ALICE.urn
    assert globus.calls == ["introspect"] * 2


def test_rejected_tokens_are_cached_and_do_not_evict_valid_ones(globus: PatchedGlobus) -> None:
    tokens = build(globus, size=10)
    token = globus.login(ALICE)
    tokens.check(token)
    for number in range(100):
        assert tokens.check(f"unknown-token-{number}") == INACTIVE
    assert tokens.check("unknown-token-99") == INACTIVE
    assert len(globus.calls) == 101
    tokens.check(token)
    assert len(globus.calls) == 101


def test_cached_rejected_tokens_do_not_keep_their_requests_in_memory(globus: PatchedGlobus) -> None:
    tokens = build(globus, size=10_000)
    for number in range(1000):
        tokens.check(f"{number}" + "x" * 10_000)
    tracemalloc.start()
    for number in range(1000):
        tokens.check(f"{number}" + "y" * 10_000)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 1_000_000


def test_64_simultaneous_first_requests_with_one_token_ask_once(globus: PatchedGlobus) -> None:
    tokens = build(globus)
    token = globus.login(ALICE)
    barrier = threading.Barrier(64)

    def ask(_: int) -> str:
        barrier.wait()
        caller = tokens.check(token)
        assert isinstance(caller, Caller)
        return caller.effective_identity

    with ThreadPoolExecutor(64) as pool:
        assert set(pool.map(ask, range(64))) == {ALICE.urn}
    assert globus.calls == ["introspect"]


def test_a_token_may_be_longer_than_the_toolkit_allows(client: FlaskClient, globus: PatchedGlobus) -> None:
    token = globus.login(ALICE, suffix="x" * 10_000)
    assert client.get("/", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_no_request_waits_longer_than_its_patience() -> None:
    done = threading.Event()
    upstream = Upstream(Metrics(), Limiter(), patience_seconds=0.01)
    with pytest.raises(Unavailable, match="in time"):
        upstream.call("auth", "slow", done.wait)
    done.set()


def test_of_a_burst_on_a_hanging_globus_eight_wait_and_the_others_leave_early() -> None:
    threads = 32
    limiter, hang = Limiter(threads), threading.Event()
    upstream = Upstream(Metrics(), limiter, patience_seconds=30)
    barrier = threading.Barrier(threads - 1)

    def ask(number: int) -> bool:
        barrier.wait()
        try:
            return upstream.call("auth", number, hang.wait)
        except Unavailable:
            return False

    with ThreadPoolExecutor(threads - 1) as pool:
        asked = [pool.submit(ask, number) for number in range(threads - 1)]
        early = list(islice(as_completed(asked, timeout=60), threads - 1 - WAITERS))
        hang.set()
    assert not any(each.result() for each in early)
    assert sum(each.result() for each in asked) == WAITERS


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
