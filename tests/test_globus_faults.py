"""Globus Auth and Groups fail in every way that a network can, over real sockets."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from local_globus.directory import CLIENT_SECRET, GROUP_ID, PROVIDER_CLIENT_ID, PROVIDER_SCOPE
from tests.api import Caller, check_error
from tests.clock import Clock
from tests.conftest import AppFactory
from tests.faulty_globus import FaultyGlobus, answering, resetting, sending
from tests.processes import RunningProvider, running_provider

JSON = "application/json"
FAULTS = {
    "hanging up": sending(b""),
    "reset": resetting,
    "garbage": sending(b"\x00\xff"),
    "half an answer": sending(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"),
    "500": answering("500 Oops", "text/html", b"<html>"),
    "502": answering("502 Bad gateway", "text/html", b"<html>"),
    "503": answering("503 Busy", "text/plain", b""),
    "429": answering("429 Slow down", JSON, b"{}", "Retry-After: 3"),
    "404": answering("404 Not found", JSON, b"{}"),
    "HTML": answering("200 OK", "text/html", b"<html>"),
    "text": answering("200 OK", "text/plain", b"fine"),
    "nothing": answering("200 OK", JSON, b""),
    "nesting": answering("200 OK", JSON, b"[" * 100_000),
    "a list": answering("200 OK", JSON, b"[]"),
    "perhaps": answering("200 OK", JSON, b'{"active": "perhaps"}'),
    "no identity": answering("200 OK", JSON, b'{"active": true, "scope": "%s"}' % PROVIDER_SCOPE.encode()),
    "an odd identity": answering(
        "200 OK",
        JSON,
        b'{"active": true, "scope": "%s", "sub": "nobody", "identity_set": []}' % PROVIDER_SCOPE.encode(),
    ),
}
REJECTED = answering("401 Who are you", JSON, b'{"error": "invalid_client"}')
GROUP = f"urn:globus:groups:id:{GROUP_ID}"


@pytest.fixture(scope="module")
def running() -> Iterator[RunningProvider]:
    with running_provider() as provider:
        yield provider


@pytest.fixture
def auth(running: RunningProvider) -> Iterator[FaultyGlobus]:
    globus = FaultyGlobus(running.auth_url)
    yield globus
    globus.close()


@pytest.fixture
def groups(running: RunningProvider) -> Iterator[FaultyGlobus]:
    globus = FaultyGlobus(running.auth_url)
    yield globus
    globus.close()


@pytest.fixture
def client(
    monkeypatch: pytest.MonkeyPatch, auth: FaultyGlobus, groups: FaultyGlobus, clock: Clock, new_app: AppFactory
) -> FlaskClient:
    """A provider with short timeouts that asks the real stand-in over connections that can fail."""
    monkeypatch.setenv("GLOBUS_SDK_SERVICE_URL_AUTH", auth.url)
    monkeypatch.setenv("GLOBUS_SDK_SERVICE_URL_GROUPS", groups.url)
    impatient = (("http_timeout", 0.5), ("max_retries", 1), ("max_sleep", 0.0))
    monkeypatch.setattr("app.auth.upstream.UpstreamClients.DEFAULT_AUTH_TRANSPORT_PARAMS", impatient)
    monkeypatch.setattr("app.auth.upstream.UpstreamClients.DEFAULT_GROUPS_TRANSPORT_PARAMS", impatient)
    credentials = {"CLIENT_ID": PROVIDER_CLIENT_ID, "CLIENT_SECRET": CLIENT_SECRET, "SCOPE": PROVIDER_SCOPE}
    return new_app(**credentials, clock=clock, timer=clock.timer).test_client()


def caller(client: FlaskClient, name: str) -> Caller:
    return Caller(client, f"local-token-{name}")


def check_unavailable(client: FlaskClient, path: str, name: str) -> Any:
    begin = time.monotonic()
    response = client.get(path, headers={"Authorization": f"Bearer local-token-{name}"})
    assert time.monotonic() - begin < 10
    assert response.status_code == 503, response.get_data()
    check_error(response.json, "ServiceUnavailable")
    assert response.headers["Retry-After"].isdigit()
    return response.json


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_globus_auth_is_a_503_that_passes(
    client: FlaskClient, auth: FaultyGlobus, clock: Clock, fault: str
) -> None:
    known, action_id = caller(client, "alice"), caller(client, "alice").run()["action_id"]
    auth.fault = FAULTS[fault]
    check_unavailable(client, "/", "bob")
    assert known.status(action_id)["action_id"] == action_id
    health: Any = client.get("/health")
    assert health.status_code == 503
    assert "no usable answer" in health.json["checks"]["globus_auth"]
    auth.fault = None
    clock.tick(seconds=5)
    caller(client, "bob").introspect()
    assert client.get("/health").status_code == 200


def test_globus_auth_that_hangs_or_refuses_is_503_in_time(client: FlaskClient, auth: FaultyGlobus) -> None:
    known = caller(client, "alice")
    known.introspect()
    auth.hangs.set()
    check_unavailable(client, "/", "bob")
    known.introspect()
    auth.close()
    check_unavailable(client, "/", "carol")
    known.introspect()
    assert client.get("/health").status_code == 503


def test_rejected_provider_credentials_are_not_the_callers_fault(
    client: FlaskClient, auth: FaultyGlobus, caplog: pytest.LogCaptureFixture
) -> None:
    auth.fault = REJECTED
    assert "operator" in check_unavailable(client, "/", "alice")["description"]
    report: Any = client.get("/health").json
    assert "rejects this provider's own credentials" in report["checks"]["globus_auth"]
    assert "rejects this provider's own CLIENT_ID and CLIENT_SECRET" in caplog.text
    assert CLIENT_SECRET not in caplog.text


@pytest.mark.parametrize("fault", ["hanging up", "reset", "garbage", "500", "429", "HTML", "nothing", "nesting"])
def test_a_fault_of_globus_groups_is_503_if_a_group_may_decide(
    client: FlaskClient, groups: FaultyGlobus, fault: str
) -> None:
    creator = caller(client, "alice")
    shared, private = creator.run(monitor_by=[GROUP])["action_id"], creator.run()["action_id"]
    groups.fault = FAULTS[fault]
    check_unavailable(client, f"/{shared}/status", "bob")
    check_unavailable(client, "/actions?roles=monitor_by", "bob")
    creator.status(shared)
    caller(client, "bob").status(private, 404)
    groups.fault = None
    caller(client, "bob").status(shared)
