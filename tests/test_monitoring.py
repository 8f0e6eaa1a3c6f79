"""The operator's view: health and metrics."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import globus_sdk
import pytest
import requests
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from app.action.error import Unavailable
from app.database.engine import open_engine
from tests.api import Caller, provider_of
from tests.clock import Clock
from tests.conftest import ALICE, BOB, GROUP, AppFactory, CallerFactory
from tests.patched_auth import PatchedGlobus
from tests.processes import ROOT, running_provider


@pytest.fixture
def everybody(provider: CallerFactory) -> Caller:
    """A caller without a token."""
    return provider(None)


def figures(page: str) -> dict[str, float]:
    """Return every sample of a metrics page, as `name` or `name{label=value,…}`, without the `action_provider_`."""
    found = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()) if name != "le")
            name = sample.name.removeprefix("action_provider_")
            found[f"{name}{{{labels}}}" if labels else name] = sample.value
    return found


@pytest.fixture
def client(globus: PatchedGlobus, clock: Clock, new_app: AppFactory) -> FlaskClient:
    return new_app(FAILURE_RATE=0, MIN_SECONDS=10, MAX_SECONDS=10, clock=clock, timer=clock.timer).test_client()


def metrics(client: FlaskClient) -> dict[str, float]:
    response = client.get("/metrics")
    assert response.status_code == 200
    assert response.content_type.startswith("text/plain; version=")
    return figures(response.get_data(as_text=True))


def test_a_healthy_provider_says_so_to_anyone(everybody: Caller) -> None:
    checks = {"database": "ok", "globus_auth": "ok"}
    assert everybody.request("GET", "/health", 200) == {"status": "ok", "checks": checks}


def test_rejected_provider_credentials_make_it_unhealthy(
    everybody: Caller, alice: Caller, globus: PatchedGlobus, caplog: pytest.LogCaptureFixture
) -> None:
    response = requests.Response()
    response.status_code, response.request = 401, requests.Request("POST", "https://auth.globus.org").prepare()
    globus.failure = globus_sdk.AuthAPIError(response)
    assert "credentials" in alice.introspect(503)["description"]
    report = everybody.request("GET", "/health", 503)
    assert report["status"] == "failing"
    assert report["checks"]["database"] == "ok"
    assert "rejects this provider's own credentials" in report["checks"]["globus_auth"]
    assert "rejects this provider's own CLIENT_ID and CLIENT_SECRET" in caplog.text


def test_a_failing_dependency_is_shown_until_it_recovers(
    everybody: Caller, globus: PatchedGlobus, clock: Clock
) -> None:
    everybody.request("GET", "/health", 200)
    globus.failure = globus_sdk.NetworkError("unreachable", OSError())
    clock.tick(seconds=5)
    assert "no usable answer" in everybody.request("GET", "/health", 503)["checks"]["globus_auth"]
    globus.failure = None
    clock.tick(seconds=5)
    everybody.request("GET", "/health", 200)


def test_a_database_that_does_not_answer_is_named(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise Unavailable("The database does not answer now.")

    monkeypatch.setitem(provider_of(client.application).health._checks, "database", fail)
    response: Any = client.get("/health")
    assert response.status_code == 503
    assert response.json["checks"] == {"database": "The database does not answer now.", "globus_auth": "ok"}


def test_a_second_request_does_not_wait_for_the_first_health_check(client: FlaskClient) -> None:
    health = provider_of(client.application).health
    with health._lock:
        response: Any = client.get("/health")
    assert response.status_code == 503
    assert "first time" in response.json["checks"]["globus_auth"]
    assert client.get("/health").status_code == 200


def test_a_database_without_tables_is_unhealthy(globus: PatchedGlobus, tmp_path: Path, new_app: AppFactory) -> None:
    url = f"sqlite:///{tmp_path}/actions.db"
    client = new_app(DATABASE_URL=url).test_client()
    engine = open_engine(url)
    with engine.connect() as connection:
        connection.execute(text("DROP TABLE action_principals"))
        connection.execute(text("DROP TABLE actions"))
    engine.dispose()
    assert client.get("/health").status_code == 503


def test_frequent_health_requests_cause_little_work(everybody: Caller, globus: PatchedGlobus) -> None:
    for _ in range(20):
        everybody.request("GET", "/health", 200)
    assert globus.calls == ["introspect"]


def test_requests_are_counted_by_operation_and_status(client: FlaskClient, globus: PatchedGlobus) -> None:
    headers = {"Authorization": f"Bearer {globus.login(ALICE)}"}
    for path in ("/", "/", "/x/status", "/actions/y", "/no/such/path"):
        client.get(path, headers=headers)
    client.get("/")
    counted = metrics(client)
    assert counted["request_seconds_count{operation=introspect,status=200}"] == 2
    assert counted["request_seconds_count{operation=introspect,status=401}"] == 1
    assert counted["request_seconds_count{operation=status,status=404}"] == 2
    assert counted["request_seconds_count{operation=none,status=404}"] == 1
    assert counted["tokens_total{lookup=asked}"] == 1
    assert counted["tokens_total{lookup=remembered}"] == 3
    assert counted["globus_seconds_count{result=answered,service=auth}"] == 1


def test_failed_calls_to_globus_are_counted_as_such(client: FlaskClient, globus: PatchedGlobus) -> None:
    headers = {"Authorization": f"Bearer {globus.login(BOB)}"}
    client.get("/", headers=headers)
    globus.failure = globus_sdk.NetworkError("unreachable", OSError())
    assert client.get("/actions?roles=monitor_by", headers=headers).status_code == 503
    assert metrics(client)["globus_seconds_count{result=failed,service=groups}"] == 1


@pytest.mark.parametrize("database_url", ["memory", "sqlite"], indirect=True)
def test_events_of_actions_are_counted_once_and_not_before_they_are_seen(
    globus: PatchedGlobus, clock: Clock, database_url: str, new_app: AppFactory
) -> None:
    settings = {"FAILURE_RATE": 0, "MIN_SECONDS": 10, "MAX_SECONDS": 10, "DATABASE_URL": database_url}
    client = new_app(**settings, clock=clock, timer=clock.timer).test_client()
    caller = Caller(client, globus.login(ALICE))
    first, second = caller.run()["action_id"], caller.run()["action_id"]
    unseen = caller.run(release_after="PT1M")["action_id"]
    caller.cancel(second)
    counted = metrics(client)
    assert (counted["actions_total{event=started}"], counted["actions_total{event=cancelled}"]) == (3, 1)
    assert (counted["actions_total{event=succeeded}"], counted["actions_total{event=failed}"]) == (0, 0)
    clock.tick(seconds=10)
    for _ in range(3):
        caller.status(first)
    assert metrics(client)["actions_total{event=succeeded}"] == 1
    caller.release(first)
    caller.release(second)
    assert metrics(client)["actions_total{event=released}"] == 2
    clock.tick(seconds=100)
    caller.status(unseen, 404)
    caller.run()
    counted = metrics(client)
    assert (counted["actions_total{event=expired}"], counted["actions_total{event=succeeded}"]) == (1, 2)


@pytest.mark.parametrize("days", [0, 31])
def test_a_cancel_that_is_refused_ends_nothing(
    client: FlaskClient, globus: PatchedGlobus, clock: Clock, days: int
) -> None:
    caller, monitor = (Caller(client, globus.login(person)) for person in (ALICE, BOB))
    action = caller.run(monitor_by=[BOB.urn])
    clock.tick(seconds=11, days=days)
    monitor.cancel(action["action_id"], 404 if days else 403)
    assert metrics(client)["actions_total{event=succeeded}"] == 0


def test_labels_do_not_grow_with_what_callers_send(client: FlaskClient, globus: PatchedGlobus) -> None:
    headers = {"Authorization": f"Bearer {globus.login(ALICE)}"}

    def ask(odd: str) -> None:
        client.get(f"/{odd}/status?{odd}", headers=headers)
        client.open(f"/nowhere/{odd}", method=f"ODD{odd}", headers=headers | {"X-Request-ID": odd})
        client.get("/a/status", headers={"Authorization": f"Bearer unknown-token-{odd}"})

    ask("first")
    metrics(client)
    before = metrics(client).keys()
    for number in range(20):
        ask(str(number))
    assert metrics(client).keys() == before


def test_neither_page_reveals_an_action_or_a_person(client: FlaskClient, globus: PatchedGlobus) -> None:
    caller = Caller(client, globus.login(ALICE))
    action = caller.run(label="a private label", monitor_by=[GROUP])
    shown = client.get("/metrics").get_data(as_text=True) + client.get("/health").get_data(as_text=True)
    for secret in (action["action_id"], ALICE.id, "private", GROUP):
        assert secret not in shown


def test_workers_are_counted_together(tmp_path: Path) -> None:
    with running_provider("--workers=2", DATABASE_URL=f"sqlite:///{tmp_path}/actions.db") as provider:
        headers = {"Authorization": "Bearer local-token-alice", "Connection": "close"}
        for _ in range(40):
            assert requests.get(f"{provider.url}/", headers=headers, timeout=60).status_code == 200
        counted = figures(requests.get(f"{provider.url}/metrics", timeout=60).text)
        assert counted["request_seconds_count{operation=introspect,status=200}"] == 40
        assert counted["tokens_total{lookup=asked}"] + counted["tokens_total{lookup=remembered}"] == 40
        assert requests.get(f"{provider.url}/health", timeout=60).json()["status"] == "ok"


def test_the_log_of_a_server_goes_to_stderr_and_is_whole_when_it_ends() -> None:
    with running_provider(LOG_FORMAT="json") as provider:
        for _ in range(30):
            requests.get(f"{provider.url}/x/status", headers={"Authorization": "Bearer local-token-bob"}, timeout=60)
        provider.process.terminate()
        stdout, stderr = provider.process.communicate(timeout=60)
    assert stderr.count('"route":"/<action_id>/status"') == 30
    assert "local-token" not in stderr
    assert "route" not in stdout


def test_an_unread_log_blocks_no_request() -> None:
    with running_provider() as provider, requests.Session() as session:
        headers = {"Authorization": "Bearer local-token-bob"}
        for _ in range(1500):  # twice what a pipe holds
            assert session.get(f"{provider.url}/x/status", headers=headers, timeout=60).status_code == 404


@pytest.mark.parametrize("path", ["/", "/health", "/metrics", "/nowhere", "/actions"])
def test_browsers_neither_run_nor_store_responses(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"


def test_the_dashboard_queries_existing_metrics(client: FlaskClient) -> None:
    known = {name.partition("{")[0] for name in metrics(client)} | {
        f"{name}_seconds_{part}" for name in ("request", "globus", "database") for part in ("bucket", "count")
    }
    asked = re.findall(r"action_provider_(\w+)", (ROOT / "docs" / "grafana.json").read_text("utf-8"))
    assert len(asked) >= 9
    assert set(asked) <= known
