"""Two servers on one PostgreSQL behind nginx, as docs/operate.md sets it up: one of them goes, and no request fails."""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import pytest
import requests
from sqlalchemy import text

from app.database import prepare_database
from app.database.engine import open_engine
from tests.api import check_error
from tests.nginx import RunningNginx, running_nginx, session_from
from tests.postgresql import running_postgresql
from tests.processes import RunningProvider, free_port, running_provider
from tests.waiting import until

UNLIMITED = {"rate=50r/s": "rate=100000r/s"}
"""Four callers who never rest send more than the guide allows one address."""
SHORT = {"proxy_read_timeout 40s": "proxy_read_timeout 1s"}


class Callers:
    """Four callers who start and read actions through nginx until the `with` block ends. Every request must succeed.

    :param end: cancel and release each action, too.
    :param repeat: repeat a request whose answer breaks off in the middle, as globus-sdk does.
    """

    def __init__(self, nginx: RunningNginx, *, end: bool, repeat: bool) -> None:
        self.failures: list[str] = []
        self.actions: dict[str, str] = {}
        self._end = end
        self._repeat = repeat
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(4)
        sessions = [session_from(nginx, f"127.0.0.{number}") for number in range(2, 6)]
        self._work = [self._pool.submit(self._call, session, nginx.url) for session in sessions]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._pool.shutdown()
        for work in self._work:
            work.result()
        assert self.failures == []

    def _call(self, session: requests.Session, url: str) -> None:
        while not self._stop.is_set() and not self.failures:
            body: Any = {"request_id": uuid.uuid4().hex, "body": {"utc_offset": 1}}
            started = self._send(session, "POST", f"{url}/run", json=body)
            if started is None:
                return
            action = f"{url}/{started['action_id']}"
            self._send(session, "GET", f"{action}/status")
            if self._end:
                self._send(session, "POST", f"{action}/cancel")
                self._send(session, "POST", f"{action}/release")
            self.actions[body["request_id"]] = started["action_id"]

    def _send(self, session: requests.Session, method: str, url: str, **options: Any) -> Any:
        try:
            try:
                response = session.request(method, url, timeout=60, **options)
            except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
                if not self._repeat:
                    raise
                response = session.request(method, url, timeout=60, **options)
        except requests.RequestException as error:
            self.failures.append(repr(error))
            return None
        if response.status_code not in (200, 202):
            self.failures.append(f"{method} {url}: {response.status_code} {response.text}")
            return None
        return response.json()

    def wait_for(self, count: int) -> None:
        """Wait until so many more actions have been started, or a request has failed."""
        goal = len(self.actions) + count
        until(lambda: len(self.actions) >= goal or self.failures, f"{count} more actions", 60)
        assert self.failures == []


@pytest.fixture(scope="module")
def new_database() -> Iterator[Callable[[], str]]:
    with running_postgresql() as server:

        def create() -> str:
            url = server.create_database(f"failover_{uuid.uuid4().hex}")
            prepare_database(url, migrate=True)
            return url

        yield create


@pytest.fixture
def settings(new_database: Callable[[], str]) -> Any:
    return {"DATABASE_URL": new_database(), "MIN_SECONDS": "600", "MAX_SECONDS": "600"}


def runs_answered_by(provider: RunningProvider) -> int:
    page = requests.get(f"{provider.url}/metrics", timeout=60).text
    found = re.findall(r'^action_provider_request_seconds_count\{operation="run",.*\} ([\d.]+)$', page, re.MULTILINE)
    return int(sum(map(float, found)))


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
def test_servers_go_and_come_back_one_after_the_other_and_no_request_fails(settings: Any, how: signal.Signals) -> None:
    ports, is_stopped = (free_port(), free_port()), how == signal.SIGTERM
    with running_nginx(*ports, changes=UNLIMITED) as nginx, contextlib.ExitStack() as stack:
        servers = [stack.enter_context(running_provider(port=port, **settings)) for port in ports]
        with Callers(nginx, end=is_stopped, repeat=not is_stopped) as callers:
            for server, port in zip(servers, ports, strict=True):
                callers.wait_for(30)
                assert runs_answered_by(server) > 0
                if is_stopped:
                    server.process.send_signal(how)
                else:
                    server.signal_all(how)
                server.process.wait(60)
                callers.wait_for(30)
                back = stack.enter_context(running_provider(port=port, **settings))
                until(partial(runs_answered_by, back), "nginx to use the server that is back")
    with contextlib.closing(open_engine(settings["DATABASE_URL"]).connect()) as database:
        stored = set(database.execute(text("SELECT action_id FROM actions")).scalars())
    assert stored == (set() if is_stopped else set(callers.actions.values()))  # one action per request


def test_a_server_that_hangs_delays_requests_and_fails_none(settings: Any) -> None:
    with contextlib.ExitStack() as stack:
        one = stack.enter_context(running_provider(**settings))
        other = stack.enter_context(running_provider(**settings))
        nginx = stack.enter_context(running_nginx(one.port, other.port, changes=UNLIMITED | SHORT))
        callers = stack.enter_context(Callers(nginx, end=False, repeat=True))
        callers.wait_for(30)
        one.signal_all(signal.SIGSTOP)
        stack.callback(one.signal_all, signal.SIGCONT)
        callers.wait_for(30)


def test_a_503_of_the_provider_is_passed_on_and_not_repeated() -> None:
    class Busy(BaseHTTPRequestHandler):
        requests = 0

        def do_POST(self) -> None:
            Busy.requests += 1
            self.send_response(503)
            self.send_header("Retry-After", "3")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Busy) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            with running_nginx(server.server_port, server.server_port) as nginx:
                response = session_from(nginx).post(f"{nginx.url}/run", timeout=60)
        finally:
            server.shutdown()
    assert (response.status_code, response.headers["Retry-After"], response.content) == (503, "3", b"")
    assert Busy.requests == 1


@pytest.mark.parametrize("status", [502, 504], ids=["down", "silent"])
def test_a_provider_that_does_not_answer_is_an_error_to_be_repeated(status: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1] if status == 504 else free_port()
        with running_nginx(port, port, changes=SHORT) as nginx:
            response = session_from(nginx).get(nginx.url, timeout=60)
    assert (response.status_code, response.headers["Retry-After"]) == (status, "1")
    check_error(response.json(), "ServiceUnavailable")
