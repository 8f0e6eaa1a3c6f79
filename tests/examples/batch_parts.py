"""Parts of the batch example's tests: programs that do what a test wants, queues, and worker processes."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from examples.batch.job_queue import JobQueue
from tests.own_provider import OwnProvider
from tests.processes import ROOT, clean_environment
from tests.waiting import until

PROGRAMS = {
    # Prints its process id, then waits until the test lets it continue.
    "wait": """
        echo "PROGRESS 1 2"
        echo $$ >> "$1.pids"
        while [ ! -e "$1" ]; do sleep 0.05; done
        echo "PROGRESS 2 2"
        echo "went on"
    """,
    "fail": "echo no luck >&2\nexit 3\n",
    "environment": "env\n",
    "long-line": "head -c 100000 /dev/zero | tr '\\0' x\necho\necho end\n",
}


Settings = dict[str, str]


def batch_settings(postgresql: str, folder: Path) -> Settings:
    """Return the settings of a provider with a new queue on this server, and with PROGRAMS, written into `folder`."""
    server, name = postgresql.replace("+psycopg", "").rpartition("/")[0], f"queue_{uuid.uuid4().hex}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))
    JobQueue(f"{server}/{name}").create_tables()
    for program, script in PROGRAMS.items():
        (folder / program).write_text(f"#!/bin/sh\n{script}")
        (folder / program).chmod(0o755)
    return {"QUEUE_URL": f"{server}/{name}", "PROGRAMS": str(folder), "HEARTBEAT_SECONDS": "0.3"}


def start_worker(settings: dict[str, str]) -> subprocess.Popen[str]:
    environment = clean_environment(**{f"WHATTIME_{name}": value for name, value in settings.items()})
    command = [sys.executable, "-m", "examples.batch.worker"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert "ready" in process.stdout.readline()
    return process


@contextlib.contextmanager
def running_worker(settings: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = start_worker(settings)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        found = connection.execute(query)
        return found.fetchall() if found.description else []


def run(provider: OwnProvider, program: str, *arguments: object) -> Any:
    return provider.alice.run(body={"program": program, "arguments": [str(argument) for argument in arguments]})


def status_until(provider: OwnProvider, action: Any, **expected: Any) -> Any:
    """Return the first status with these fields, as a client that looks every second gets it."""

    def look() -> Any:
        provider.clock.tick(seconds=1)
        document = provider.alice.status(action["action_id"])
        return document if expected.items() <= document.items() else None

    return until(look, f"{expected}")


def pids(gate: Path) -> list[int]:
    file = Path(f"{gate}.pids")
    return [int(line) for line in file.read_text().split()] if file.exists() else []
