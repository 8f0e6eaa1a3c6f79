"""The load and what it costs: `wrk` on a server that runs as a process of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import requests

from tests.processes import ROOT, clean_environment

CONNECTIONS = 8
USERS_A_SECOND = 250
"""How many new users a second are seen at least, while warming up."""

PATIENCE_SECONDS = 120
"""How long a server may take to start, a full memory among them."""

ALICE = "local-token-alice"
DOCS = ROOT / "docs"


@dataclass
class Peer:
    name: str
    url: str
    process: psutil.Process

    def processes(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]

    def cpu_seconds(self) -> float:
        return float(sum(sum(process.cpu_times()[:2]) for process in self.processes()))

    def megabytes(self) -> float:
        return float(sum(process.memory_info().rss for process in self.processes()) / 2**20)


@dataclass(frozen=True)
class Case:
    """What is asked, how, and by how many users.

    :param operation: status, run, or page.
    :param pause_ms: how long each connection pauses before a request.
    """

    name: str
    operation: str = "status"
    method: str = "GET"
    unique: bool = False
    users: int = 1
    pause_ms: int = 0


@contextmanager
def process(*command: str, **environment: str) -> Iterator[psutil.Process]:
    quiet = subprocess.DEVNULL
    running = subprocess.Popen(command, cwd=ROOT, env=clean_environment(**environment), stdout=quiet, stderr=quiet)
    try:
        yield psutil.Process(running.pid)
    finally:
        running.terminate()
        running.wait(30)


def wait_for(url: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            requests.get(url, timeout=5)
        except requests.ConnectionError:
            assert time.monotonic() < deadline, f"nothing answers at {url}"
        else:
            return


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def start_action(url: str, token: str, request_id: str, **more: Any) -> str:
    body: Any = {"request_id": request_id, "body": {"utc_offset": 1}, **more}
    response = requests.post(f"{url}/run", json=body, headers=bearer(token), timeout=30)
    assert response.ok, response.text
    return str(response.json()["action_id"])


def measure(peer: Peer, case: Case, lines: Path, seconds: float, *, connections: int = CONNECTIONS) -> dict[str, float]:
    """Requests a second, p50 and p99 in milliseconds, CPU seconds per 1,000 requests."""
    if case.users > 1:  # first, so that each of them has been seen: a user is polling, not coming for the first time
        subprocess.run(wrk(peer, case, lines, max(1, case.users // USERS_A_SECOND)), check=True, capture_output=True)
    cpu = peer.cpu_seconds()
    command = wrk(peer, case, lines, seconds, connections=connections)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    result["cpu"] = (peer.cpu_seconds() - cpu) / result["requests"] * 1000
    result["rate"] = result["requests"] / result["seconds"]
    if result["errors"] > result["requests"] * 0.001:
        print(f"\n{peer.name}, {case.name}: {result['errors']:.0f} errors", file=sys.stderr)
    return result


def wrk(peer: Peer, case: Case, lines: Path, seconds: float, *, connections: int = CONNECTIONS) -> list[str]:
    options = ["-t1", f"-c{connections}", f"-d{seconds:.0f}s", "-s", str(ROOT / "benchmarks" / "users.lua")]
    unique = "unique" if case.unique else "repeated"
    return ["wrk", *options, peer.url, "--", str(lines), case.method, unique, str(case.pause_ms)]


def say(text: str) -> None:
    print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def replace_section(document: Path, name: str, text: str) -> None:
    """Put `text` between the document's marks for it."""
    before, begin, rest = document.read_text("utf-8").partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition(f"<!-- /{name} -->")
    document.write_text(before + begin + text + end + after, "utf-8")


def check_wrk() -> None:
    if shutil.which("wrk") is None:
        sys.exit("Error: the load comes from wrk, and there is none here. On Debian: apt-get install wrk")
