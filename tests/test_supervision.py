"""Workers that die are replaced, the others continue, and the log has lines about it in its usual form."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pexpect
import pytest
import requests
from granian.constants import Interfaces

from app.server.supervisor import Supervisor
from tests.processes import ROOT, RunningProvider, clean_environment, free_port, running_provider, start
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
    ports = (f"--port={free_port()}", f"--auth-port={free_port()}")
    process = start(*ports, WORK="broken_work", environment={"PYTHONPATH": str(tmp_path)})
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "not here" in errors


@pytest.mark.parametrize("to_all", [False, True], ids=["the server", "its whole group"])
def test_sighup_is_ignored_with_a_warning_and_loses_no_action(provider: RunningProvider, to_all: bool) -> None:
    body: dict[str, Any] = {"request_id": "1", "body": {"utc_offset": 1}}
    action_id = requests.post(f"{provider.url}/run", json=body, headers=HEADERS, timeout=5).json()["action_id"]
    workers = worker_ids(provider)
    for pid in [provider.process.pid, *(workers if to_all else [])]:
        os.kill(pid, signal.SIGHUP)
    assert provider.process.stderr is not None
    for line in map(json.loads, provider.process.stderr):
        if "SIGHUP" in line["message"]:
            break
    assert line["level"] == "WARNING"
    assert line["message"] == "SIGHUP is ignored: restart the server to change its settings or its code"
    status = requests.get(f"{provider.url}/{action_id}/status", headers=HEADERS, timeout=5)
    assert status.status_code == 200
    assert worker_ids(provider) == workers


@pytest.mark.parametrize("nohup", [False, True], ids=["", "nohup"])
def test_a_server_ends_with_its_terminal_unless_started_with_nohup(nohup: bool) -> None:
    options = ["-m", "app", f"--port={free_port()}", f"--auth-port={free_port()}"]

    def hear_hangup() -> None:
        """Whether or not the tests were started with nohup."""
        signal.signal(signal.SIGHUP, signal.SIG_IGN if nohup else signal.SIG_DFL)

    terminal = pexpect.spawn(
        sys.executable, options, cwd=ROOT, env=clean_environment(), encoding="utf-8", timeout=60, preexec_fn=hear_hangup
    )
    terminal.expect("Run an action:")
    terminal.kill(signal.SIGHUP)
    if nohup:
        terminal.expect("SIGHUP is ignored")
        terminal.kill(signal.SIGTERM)
    terminal.expect(pexpect.EOF)
    terminal.wait()
    assert terminal.exitstatus == 0


class RacingEvent(threading.Event):
    """Something happens right before it is cleared."""

    happens: Callable[[], None]

    def clear(self) -> None:
        self.happens()
        super().clear()


def main_loop(why: str) -> tuple[Supervisor, threading.Thread]:
    """Return a supervisor without workers, and its main loop, which is told to stop before it forgets `why` it woke."""
    server = Supervisor("app:create_app", interface=Interfaces.WSGI, respawn_failed_workers=True)
    server.has_served = True
    server.main_loop_interrupt = event = RacingEvent()
    event.happens = server.signal_handler_interrupt
    if why == "a worker died":
        server.interrupt_children.append(0)
    else:
        server.reload_signal = True
    event.set()
    return server, threading.Thread(target=server._serve_loop, args=(None, None), daemon=True)


@pytest.mark.parametrize("why", ["a worker died", "SIGHUP came"])
def test_a_signal_to_stop_is_not_lost_when_the_server_is_busy(why: str) -> None:
    server, loop = main_loop(why)
    loop.start()
    loop.join(10)
    assert not loop.is_alive()
    assert server.interrupt_signal
