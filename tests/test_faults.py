"""What happens when processes are killed and databases go away: nothing that was acknowledged is lost."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import pytest
import requests

from app import create_app
from app.database import open_database, prepare_database
from app.database.command import Command, Sql
from app.database.sql import SqlDatabase
from tests.api import check_error, provider_of
from tests.clock import Clock
from tests.conftest import ALICE, CREDENTIALS
from tests.patched_auth import PatchedGlobus
from tests.postgresql import PostgresqlServer, running_postgresql
from tests.processes import running_provider
from tests.test_database import action
from tests.waiting import until

HEADERS = {"Authorization": "Bearer local-token-alice"}
SETTINGS: Any = {"MIN_SECONDS": "600", "MAX_SECONDS": "600"}


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresqlServer]:
    with running_postgresql() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def shared_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a new database that processes can share."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/actions.db"
    server: PostgresqlServer = request.getfixturevalue("server")
    url = server.create_database(f"faults_{uuid.uuid4().hex}")
    prepare_database(url, migrate=True)
    return url


class Load:
    """Callers who start actions, and repeat what was not answered, as real clients do."""

    def __init__(self, *urls: str) -> None:
        self.urls = urls
        self.acknowledged: dict[str, str] = {}
        self.twice: list[str] = []
        self.odd: list[str] = []
        self.stop = threading.Event()
        self._pool = ThreadPoolExecutor(4)
        self._work = [self._pool.submit(self._call, number) for number in range(4)]

    def _call(self, number: int) -> None:
        count = 0
        while not self.stop.is_set():
            count += 1
            self._run(f"{number}-{count}", self.urls[count % len(self.urls)])

    def _run(self, request_id: str, url: str) -> None:
        body: Any = {"request_id": request_id, "body": {"utc_offset": 1}}
        while not self.stop.is_set():
            try:
                response = requests.post(f"{url}/run", json=body, headers=HEADERS, timeout=60)
            except requests.RequestException:
                continue
            if response.status_code in (200, 202):
                action_id = response.json()["action_id"]
                if self.acknowledged.setdefault(request_id, action_id) != action_id:
                    self.twice.append(request_id)
                return
            if response.status_code != 503 or not response.headers["Retry-After"].isdigit():
                self.odd.append(response.text)
                return

    def wait_for(self, count: int) -> None:
        """Until so many more have been acknowledged."""
        goal = len(self.acknowledged) + count
        until(lambda: len(self.acknowledged) >= goal, "the provider to recover")

    def finish(self) -> None:
        self.stop.set()
        for work in self._work:
            work.result()
        self._pool.shutdown()
        assert self.odd == []
        assert self.twice == []

    def check(self, url: str) -> None:
        """That all that was acknowledged is there, and that no request has started a second action."""
        for request_id, action_id in self.acknowledged.items():
            assert requests.get(f"{url}/{action_id}/status", headers=HEADERS, timeout=60).status_code == 200, request_id
        repeated = dict(list(self.acknowledged.items())[-20:])
        for request_id, action_id in repeated.items():
            body: Any = {"request_id": request_id, "body": {"utc_offset": 1}}
            again = requests.post(f"{url}/run", json=body, headers=HEADERS, timeout=60)
            assert (again.status_code, again.json()["action_id"]) == (200, action_id)


def test_a_killed_server_loses_nothing_that_it_acknowledged(shared_url: str) -> None:
    acknowledged: dict[str, str] = {}
    for _ in range(2):
        with running_provider("--workers=2", DATABASE_URL=shared_url, **SETTINGS) as provider:
            load = Load(provider.url)
            load.wait_for(30)
            provider.signal_all(signal.SIGKILL)
            load.finish()
            acknowledged |= {f"{request_id}": action_id for request_id, action_id in load.acknowledged.items()}
    with running_provider(DATABASE_URL=shared_url, **SETTINGS) as provider:
        load.acknowledged = acknowledged
        load.check(provider.url)


def test_a_killed_worker_is_replaced_and_nothing_is_lost(shared_url: str) -> None:
    with running_provider("--workers=2", DATABASE_URL=shared_url, **SETTINGS) as provider:
        load = Load(provider.url)
        load.wait_for(30)
        children = Path(f"/proc/{provider.process.pid}/task/{provider.process.pid}/children").read_text().split()
        os.kill(int(children[-1]), signal.SIGKILL)
        load.wait_for(30)
        load.finish()
        load.check(provider.url)


@pytest.mark.parametrize("workers", [1, 2])
def test_stopping_under_load_answers_every_request_that_has_come_in(tmp_path: Path, workers: int) -> None:
    path = tmp_path / "actions.db"
    with running_provider(f"--workers={workers}", DATABASE_URL=f"sqlite:///{path}", **SETTINGS) as provider:
        load = Load(provider.url)
        load.wait_for(30)
        provider.process.terminate()
        assert provider.process.wait(60) == 0
        load.finish()
    with contextlib.closing(sqlite3.connect(path)) as database:
        started = {action_id for (action_id,) in database.execute("SELECT action_id FROM actions")}
    assert started == set(load.acknowledged.values())


def test_two_servers_share_one_database(shared_url: str) -> None:
    with (
        running_provider(DATABASE_URL=shared_url, **SETTINGS) as one,
        running_provider(DATABASE_URL=shared_url, **SETTINGS) as other,
    ):
        load = Load(one.url, other.url)
        load.wait_for(60)
        load.finish()
        load.check(one.url)
        load.check(other.url)
        barrier = threading.Barrier(16)

        def run(number: int) -> tuple[int, str]:
            barrier.wait()
            body: Any = {"request_id": "one", "body": {"utc_offset": 1}}
            url = (one.url, other.url)[number % 2]
            response = requests.post(f"{url}/run", json=body, headers=HEADERS, timeout=60)
            return response.status_code, response.json()["action_id"]

        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(run, range(16)))
        assert sorted(status for status, _ in answers) == [200] * 15 + [202]
        assert len({action_id for _, action_id in answers}) == 1


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["stopped", "crashed"])
def test_postgresql_going_away_is_503_until_it_is_back(server: PostgresqlServer, how: signal.Signals) -> None:
    url = server.create_database(f"faults_{uuid.uuid4().hex}")
    prepare_database(url, migrate=True)
    with running_provider(DATABASE_URL=url, **SETTINGS) as provider:
        load = Load(provider.url)
        load.wait_for(20)
        server.stop(how)
        begin = time.monotonic()
        response = requests.get(f"{provider.url}/x/status", headers=HEADERS, timeout=60)
        assert time.monotonic() - begin < 10
        assert response.status_code == 503
        check_error(response.json(), "ServiceUnavailable")
        server.start()
        load.wait_for(20)
        load.finish()
        load.check(provider.url)


def test_postgresql_that_is_silent_is_503_in_time(server: PostgresqlServer) -> None:
    url = server.create_database(f"faults_{uuid.uuid4().hex}")
    prepare_database(url, migrate=True)
    with running_provider(DATABASE_URL=url, **SETTINGS) as provider, ThreadPoolExecutor(64) as pool:
        load = Load(provider.url)
        load.wait_for(20)
        server.freeze()
        first = [pool.submit(seconds_of, f"{provider.url}/x/status", 503) for _ in range(64)]
        assert seconds_of(f"{provider.url}/openapi.json", 200) < 3
        assert max(each.result() for each in first) < 6
        second = sorted(pool.map(lambda _: seconds_of(f"{provider.url}/x/status", 503), range(64)))
        assert second[59] < 2, "only the probes wait"
        assert second[-1] < 6
        server.thaw()
        load.wait_for(20)
        load.finish()
        load.check(provider.url)


def seconds_of(url: str, expect: int) -> float:
    """Return how long the answer took."""
    begin = time.monotonic()
    response = requests.get(url, headers=HEADERS, timeout=60)
    assert response.status_code == expect
    return time.monotonic() - begin


def test_a_locked_sqlite_file_is_503_in_time(globus: PatchedGlobus, clock: Clock, tmp_path: Path) -> None:
    client = create_app({**CREDENTIALS, "DATABASE_URL": f"sqlite:///{tmp_path}/actions.db"}, clock=clock).test_client()
    headers = {"Authorization": f"Bearer {globus.login(ALICE)}"}
    body = json.dumps({"request_id": "r", "body": {"utc_offset": 1}})
    holder = sqlite3.connect(f"{tmp_path}/actions.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    begin = time.monotonic()
    response = client.post("/run", data=body, headers=headers)
    assert response.status_code == 503
    assert response.headers["Retry-After"].isdigit()
    assert time.monotonic() - begin < 10
    holder.execute("ROLLBACK")
    holder.close()
    until(lambda: client.post("/run", data=body, headers=headers).status_code == 202, "the lock to be gone")
    provider_of(client.application).close()


def test_readers_go_on_while_another_process_locks_sqlite(globus: PatchedGlobus, clock: Clock, tmp_path: Path) -> None:
    app = create_app({**CREDENTIALS, "DATABASE_URL": f"sqlite:///{tmp_path}/actions.db"}, clock=clock)
    headers = {"Authorization": f"Bearer {globus.login(ALICE)}"}
    request = {"request_id": "r", "body": {"utc_offset": 1}}
    action_id = app.test_client().post("/run", json=request, headers=headers).get_json()["action_id"]
    holder = sqlite3.connect(f"{tmp_path}/actions.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(24) as pool:
        writers = [
            pool.submit(app.test_client().post, "/run", json=request | {"request_id": f"{number}"}, headers=headers)
            for number in range(24)
        ]
        begin = time.monotonic()
        for _ in range(20):
            assert app.test_client().get(f"/{action_id}/status", headers=headers).status_code == 200
        assert time.monotonic() - begin < 2
        assert {writer.result().status_code for writer in writers} == {503}
        assert time.monotonic() - begin < 4
    holder.close()
    provider_of(app).close()


def test_a_full_sqlite_file_is_503_and_recovers(globus: PatchedGlobus, clock: Clock, tmp_path: Path) -> None:
    app = create_app({**CREDENTIALS, "DATABASE_URL": f"sqlite:///{tmp_path}/actions.db"}, clock=clock)
    client = app.test_client()
    headers = {"Authorization": f"Bearer {globus.login(ALICE)}"}
    database = cast(SqlDatabase, provider_of(app).database)
    limit_pages(database, 30)
    statuses = []
    for number in range(40):
        body = {"request_id": f"{number}" + "x" * 10_000, "body": {"utc_offset": 1}}
        statuses.append(client.post("/run", json=body, headers=headers).status_code)
    assert set(statuses) == {202, 503}
    limit_pages(database, 100_000)
    assert client.post("/run", json=body, headers=headers).status_code == 202
    shown = client.get("/actions", headers=headers).get_json()
    assert len(shown) == statuses.count(202) + 1
    database.close()


def limit_pages(database: SqlDatabase, pages: int) -> None:
    database._writing.execute(Command(Sql(f"PRAGMA max_page_count={pages}", ()), None, writes=True), {})


def test_a_sqlite_file_that_a_process_opens_twice_loses_nothing_when_another_process_is_done_with_it(
    tmp_path: Path,
) -> None:
    """A process loses its locks on a file when it closes any descriptor of it, and SQLite relies on these locks."""

    def count_in_another_process() -> int:
        count = "SELECT count(*) FROM actions"
        program = (
            f"import sqlite3; c = sqlite3.connect('actions.db'); print(*c.execute('{count}').fetchone()); c.close()"
        )
        return int(subprocess.check_output([sys.executable, "-c", program], cwd=tmp_path))

    url = f"sqlite:///{tmp_path}/actions.db"
    with contextlib.closing(open_database(url)) as database:
        database.create(action())
        with contextlib.closing(open_database(url)) as again:
            again.check()
        assert count_in_another_process() == 1
        database.create(action(action_id="id-2", request_id="request-2"))
        assert count_in_another_process() == 2
