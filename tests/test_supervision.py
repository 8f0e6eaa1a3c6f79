"""Workers that die are replaced, the others continue, and the log has lines about it in its usual form."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import requests

from tests.processes import RunningProvider, running_provider, start
from tests.waiting import until

HEADERS = {"Authorization": "Bearer local-token-alice", "Connection": "close"}


@pytest.fixture
def provider() -> Iterator[RunningProvider]:
    with running_provider(LOG_FORMAT="json") as provider:
        yield provider


def worker_ids(provider: RunningProvider) -> list[int]:
    """Return the ids of the worker processes. The first child of a server is Python's resource tracker."""
    children = Path(f"/proc/{provider.process.pid}/task/{provider.process.pid}/children").read_text().split()
    found = []
    for child in children:
        with contextlib.suppress(OSError):  # it has just ended
            if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text():
                found.append(int(child))
    return found


def serves(provider: RunningProvider) -> bool:
    try:
        return requests.get(f"{provider.url}/", headers=HEADERS, timeout=5).status_code == 200
    except requests.RequestException:
        return False


def has_another_worker(provider: RunningProvider, killed: list[int]) -> bool:
    return worker_ids(provider) not in ([], killed)


def test_a_worker_that_dies_again_and_again_does_not_end_the_server(provider: RunningProvider) -> None:
    killed: list[int] = []
    for _ in range(3):  # each as soon as it starts: granian takes the second for a crash loop
        until(partial(has_another_worker, provider, killed[-1:]), "another worker")
        killed += worker_ids(provider)
        os.kill(killed[-1], signal.SIGKILL)
    until(lambda: serves(provider), "an answer")
    provider.process.terminate()
    _, errors = provider.process.communicate(timeout=60)
    deaths = [line for line in map(json.loads, errors.splitlines()) if line["message"].startswith("Unexpected exit")]
    assert len(deaths) == 3
    for line in deaths:
        assert line.keys() == {"time", "level", "message", "logger"}
        assert (line["level"], line["message"]) == ("ERROR", "Unexpected exit from worker-1")


def test_a_worker_that_cannot_start_ends_the_server(tmp_path: Path) -> None:
    broken = "import multiprocessing\nassert multiprocessing.parent_process() is None, 'not here'\n"
    (tmp_path / "broken_work.py").write_text(broken + "from app.whattime import *\n")
    (tmp_path / "schema.json").write_text("{}")
    process = start(WORK="broken_work", environment={"PYTHONPATH": str(tmp_path)})
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "not here" in errors
