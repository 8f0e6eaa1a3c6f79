"""Known callers go on: their waits while bursts of others meet a Globus that is slow, hangs, or refuses.

Real server processes, real connections. The figures of each test are printed (pytest -s).
"""

from __future__ import annotations

import contextlib
import http.client
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from local_globus.directory import GROUP_ID, PROVIDER_SCOPE
from tests.burst import start_burst
from tests.conftest import CREDENTIALS
from tests.processes import ROOT, clean_environment, free_port
from tests.slow_auth import SlowAuth

SCOPE = CREDENTIALS["SCOPE"]
FOREVER = 3600.0


@dataclass(frozen=True)
class Server:
    port: int
    process: subprocess.Popen[str]


@contextlib.contextmanager
def running_server(auth_url: str, groups_url: str = "http://127.0.0.1:9/", **settings: str) -> Iterator[Server]:
    """A server in production mode that asks these for Globus Auth and Groups."""
    port = free_port()
    environment = clean_environment(
        **{f"WHATTIME_{name}": value for name, value in {**CREDENTIALS, **settings}.items()},
        GLOBUS_SDK_SERVICE_URL_AUTH=auth_url,
        GLOBUS_SDK_SERVICE_URL_GROUPS=groups_url,
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "app", f"--port={port}"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert "runs at" in process.stdout.readline()
        yield Server(port, process)
    finally:
        process.kill()
        process.communicate()


@dataclass(frozen=True)
class Waits:
    """How long a known caller waited for answers, in seconds."""

    seconds: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def worst(self) -> float:
        return max(self.seconds)

    def __str__(self) -> str:
        return f"median {self.median * 1000:.0f} ms, worst {self.worst * 1000:.0f} ms of {len(self.seconds)}"


def ask_as_known_caller(port: int, seconds: float, token: str = "known-caller", path: str = "/") -> Waits:
    """Ask again and again, 10 ms after each answer; each must be 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    waits, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        begin = time.monotonic()
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        response.read()
        waits.append(time.monotonic() - begin)
        assert response.status == 200
        time.sleep(0.01)
    connection.close()
    return Waits(waits)


@pytest.fixture
def auth() -> SlowAuth:
    return SlowAuth(SCOPE)


@pytest.mark.parametrize("connections", [24, 200, 500])
@pytest.mark.parametrize("delay", [0.15, 0.3, 0.45, FOREVER, None], ids=["150ms", "300ms", "450ms", "hangs", "refuses"])
def test_measure(auth: SlowAuth, delay: float | None, connections: int) -> None:
    with running_server(auth.url) as server:
        ask_as_known_caller(server.port, 0.1)
        if delay is None:
            auth.refuse()
        else:
            auth.delay = delay
        burst = start_burst(server.port, connections)
        time.sleep(0.5)
        waits = ask_as_known_caller(server.port, 3)
        print(f"{connections} connections, Auth {delay}: {waits}; {burst.finish()}")


@pytest.mark.parametrize("connections", [16, 32, 64, 128])
@pytest.mark.parametrize("delay", [0.1])
def test_measure_first(auth: SlowAuth, delay: float | None, connections: int) -> None:
    auth.delay = delay
    auth.welcomes = True
    with running_server(auth.url) as server:
        ask_as_known_caller(server.port, 0.1)
        begin = time.monotonic()
        burst = start_burst(server.port, connections, requests=1000)
        waits = ask_as_known_caller(server.port, 2)
        print(f"{connections} connections, Auth {delay}: {waits}; {burst.result()} {time.monotonic() - begin}")
