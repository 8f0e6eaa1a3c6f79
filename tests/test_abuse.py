"""Breaking the rules gains nothing and causes little work (docs/security.md)."""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from flask.testing import FlaskClient

from tests.api import check_error, provider_of
from tests.clock import Clock
from tests.conftest import ALICE, BOB, CAROL, GROUP, AppFactory
from tests.patched_auth import PatchedGlobus
from tests.processes import RunningProvider, running_provider
from tests.test_supervision import worker_ids

UNKNOWN = "00000000-0000-4000-8000-000000000000"
OPERATIONS = [
    ("GET", "/{}/status"),
    ("GET", "/actions/{}"),
    ("GET", "/{}/log"),
    ("GET", "/actions/{}/log"),
    ("POST", "/{}/cancel"),
    ("POST", "/actions/{}/cancel"),
    ("POST", "/{}/release"),
    ("DELETE", "/actions/{}"),
    ("POST", "/{}/resume"),
    ("POST", "/actions/{}/resume"),
]


@pytest.fixture
def client(globus: PatchedGlobus, clock: Clock, tmp_path: Path, new_app: AppFactory) -> FlaskClient:
    return new_app(DATABASE_URL=f"sqlite:///{tmp_path}/actions.db", clock=clock).test_client()


Ask = Callable[..., Any]


@pytest.fixture
def ask(client: FlaskClient) -> Ask:
    def ask(token: str, method: str, path: str, **options: Any) -> Any:
        return client.open(path, method=method, headers={"Authorization": f"Bearer {token}"}, **options)

    return ask


def run(ask: Ask, token: str, **fields: Any) -> str:
    document = {"request_id": "a-request", "body": {"utc_offset": 1}, **fields}
    return str(ask(token, "POST", "/run", json=document).json["action_id"])


@pytest.mark.parametrize("hours", [0, 1])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_actions_of_others_look_like_missing_ones(
    ask: Ask, globus: PatchedGlobus, clock: Clock, operation: tuple[str, str], hours: int
) -> None:
    method, path = operation
    stranger = globus.login(CAROL)
    action_id = run(ask, globus.login(ALICE))
    clock.tick(hours=hours)
    hidden = ask(stranger, method, path.format(action_id))
    missing = ask(stranger, method, path.format(UNKNOWN))
    assert hidden.status_code == missing.status_code == 404
    assert hidden.get_data(as_text=True).replace(action_id, UNKNOWN) == missing.get_data(as_text=True)
    assert dict(hidden.headers) | {"X-Request-ID": ""} == dict(missing.headers) | {"X-Request-ID": ""}


class Work:
    """Counts the calls to the database and to Globus that requests cause."""

    def __init__(self, client: FlaskClient, globus: PatchedGlobus) -> None:
        self._database: Any = provider_of(client.application).metrics._database
        self._globus = globus

    def of(self, request: Callable[[], Any], expect: int) -> int:
        before = self._total()
        assert request().status_code == expect
        return self._total() - before

    def _total(self) -> int:
        names = ("create", "get", "find", "list", "replace", "delete", "purge")
        calls = sum(bucket.get() for name in names for bucket in self._database(name)._buckets)
        return int(calls) + len(self._globus.calls)


def test_no_refusal_causes_more_work_than_a_success(client: FlaskClient, ask: Ask, globus: PatchedGlobus) -> None:
    alice, bob, carol = globus.login(ALICE), globus.login(BOB), globus.login(CAROL)
    action_id = run(ask, alice, monitor_by=[GROUP], manage_by=[ALICE.urn])
    work = Work(client, globus)
    for token in (alice, bob, carol):
        ask(token, "GET", f"/{action_id}/status")
    success = work.of(lambda: ask(alice, "POST", f"/{action_id}/cancel"), 200)
    assert success > 0
    assert work.of(lambda: ask(alice, "POST", f"/{action_id}/cancel"), 409) <= success
    assert work.of(lambda: ask(bob, "POST", f"/{action_id}/cancel"), 403) <= success
    assert work.of(lambda: ask(carol, "POST", f"/{action_id}/cancel"), 404) <= success
    assert work.of(lambda: ask(carol, "POST", f"/{UNKNOWN}/cancel"), 404) <= success
    assert work.of(lambda: ask(alice, "POST", "/run", data=b"[" * 60_000), 400) == 0
    assert work.of(lambda: ask(alice, "POST", "/run", data=b" " * 70_000), 413) == 0
    assert work.of(lambda: ask(alice, "GET", "/actions?status=odd"), 400) == 0
    assert work.of(lambda: ask("x", "GET", "/"), 401) == 0  # too short to be a token: nobody is asked
    assert work.of(lambda: ask("x" * 20_000, "GET", "/"), 401) == 0


@pytest.fixture(scope="module")
def provider() -> Iterator[RunningProvider]:
    with running_provider() as provider:
        yield provider


@pytest.mark.parametrize(
    ("lines", "expect"),
    [
        ([f"GET /{'a' * 100_000}/status HTTP/1.1"], "414"),
        (["GET / HTTP/1.1", f"X-Large: {'a' * 1_000_000}"], "431"),
        (["GET / HTTP/1.1", *(f"X-{number}: a" for number in range(200))], "431"),
        (["GET / HTTP/1.1", f"Authorization: Bearer {'a' * 50_000}"], "401"),
        (["GET / HTTP/1.1", "Authorization: Bearer local-token-alice", f"X-Request-ID: {'a' * 50_000}"], "200"),
    ],
    ids=["a long path", "a long header", "many headers", "a long token", "a long X-Request-ID"],
)
def test_a_request_that_is_too_long_is_refused_and_the_next_one_is_served(
    provider: RunningProvider, lines: list[str], expect: str
) -> None:
    host, port = provider.url.removeprefix("http://").split(":")
    for sent, wanted in ((lines, expect), (["GET /health HTTP/1.1"], "200")):
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            connection.sendall("\r\n".join([*sent, "Host: localhost", "Connection: close", "", ""]).encode())
            answer = connection.makefile("rb").readline().decode()
        assert answer.split()[1] == wanted


@pytest.mark.parametrize("host", ["xn--0", ".xn--a", "xn--" + "a" * 80, "a b", "<x>", "evil.example", "127.0.0.1.evil"])
def test_local_mode_refuses_foreign_host_names(provider: RunningProvider, host: str) -> None:
    headers = {"Authorization": "Bearer local-token-bob"}
    for path in ("/docs/people.json", "/actions?limit=1"):
        refused = requests.get(f"{provider.url}{path}", headers=headers | {"Host": host}, timeout=60)
        assert refused.status_code == 400
        check_error(refused.json(), "InvalidRequest")
        assert requests.get(f"{provider.url}{path}", headers=headers, timeout=60).status_code == 200


def test_the_link_to_the_next_page_names_no_host(provider: RunningProvider) -> None:
    headers = {"Authorization": "Bearer local-token-bob"}
    for request_id in ("one", "two"):
        body: Any = {"request_id": request_id, "body": {"utc_offset": 1}}
        requests.post(f"{provider.url}/run", json=body, headers=headers, timeout=60)
    answer = requests.get(f"{provider.url}/actions?limit=1", headers=headers, timeout=60)
    assert answer.headers["Link"].startswith("</actions?limit=1&marker=")


def test_connections_that_never_read_a_large_file_hold_little(provider: RunningProvider) -> None:
    (worker,) = worker_ids(provider)
    before = memory_bytes(worker)
    with contextlib.ExitStack() as stack:
        for _ in range(UNREAD):
            connection = stack.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            connection.connect(("127.0.0.1", int(provider.url.rpartition(":")[2])))
            connection.sendall(b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: localhost\r\n\r\n")
        read = requests.get(f"{provider.url}/docs/swagger-ui-bundle.js", timeout=60)
        assert read.status_code == 200  # and so those before it have been answered
        assert memory_bytes(worker) - before < UNREAD * 750_000


UNREAD = 200


def memory_bytes(process: int) -> int:
    (kilobytes,) = re.findall(r"VmRSS:\s+(\d+)", Path(f"/proc/{process}/status").read_text())
    return int(kilobytes) * 1024
