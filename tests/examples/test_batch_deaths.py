"""The batch example survives the death of its worker, and of the provider: real processes, killed."""

from __future__ import annotations

import signal
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from examples.batch.job_queue import LONGEST_RUNS
from tests.examples.batch_parts import Settings, batch_settings, pids, rows, run, running_worker, status_until
from tests.own_provider import OwnProvider
from tests.processes import running_provider
from tests.waiting import call, is_running, until


@pytest.fixture
def settings(postgresql: str, tmp_path: Path) -> Settings:
    """Settings with a queue of this test's own, so that no other worker takes its jobs."""
    (tmp_path / "programs").mkdir()
    return batch_settings(postgresql, tmp_path / "programs")


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[OwnProvider]:
    with closing(OwnProvider(monkeypatch, "examples.batch.work", **settings)) as provider:
        yield provider


def test_killing_a_worker_kills_its_program_and_another_worker_runs_it_again(
    provider: OwnProvider, settings: Settings, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    with running_worker(settings) as first:
        action = run(provider, "wait", gate)
        status_until(provider, action, display_status="running, 1 of 2")
        first.send_signal(signal.SIGKILL)
        until(lambda: not is_running(pids(gate)[0]), "the end of the program")
    with running_worker(settings):
        until(lambda: len(pids(gate)) == 2, "the second run")
        gate.touch()
        ended = status_until(provider, action, status="SUCCEEDED")
    assert ended["details"]["attempts"] == 2


def test_a_worker_that_is_told_to_stop_returns_its_job(
    provider: OwnProvider, settings: Settings, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    with running_worker(settings) as first:
        action = run(provider, "wait", gate)
        status_until(provider, action, display_status="running, 1 of 2")
        first.terminate()
        first.wait(timeout=60)
        assert not is_running(pids(gate)[0])
    with running_worker(settings):
        gate.touch()
        assert status_until(provider, action, status="SUCCEEDED")["details"]["attempts"] == 2


def test_a_program_whose_workers_keep_dying_counts_as_lost(
    provider: OwnProvider, settings: Settings, tmp_path: Path
) -> None:
    action = run(provider, "wait", tmp_path / "gate")
    rows(settings["QUEUE_URL"], f"UPDATE batch_runs SET attempt = {LONGEST_RUNS}, status = 'running'")
    with running_worker(settings):
        ended = status_until(provider, action, status="FAILED")
    assert ended["details"]["error"] == "LOST"
    assert pids(tmp_path / "gate") == []


def test_a_killed_provider_finds_its_action_and_the_one_job_again(settings: Settings, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    own: dict[str, Any] = {"DATABASE_URL": f"sqlite:///{tmp_path}/actions.db", **settings}
    request = {"request_id": str(uuid.uuid4()), "body": {"program": "wait", "arguments": [str(gate)]}}
    with running_worker(settings):
        with running_provider(WORK="examples.batch.work", **own) as first:
            action = call(f"{first.url}/run", request)
            until(lambda: pids(gate), "the program")
            first.signal_all(signal.SIGKILL)
        with running_provider(WORK="examples.batch.work", **own) as second:
            assert call(f"{second.url}/run", request)["action_id"] == action["action_id"]
            gate.touch()
            status = f"{second.url}/{action['action_id']}/status"
            ended = until(lambda: (found := call(status)) and found["status"] == "SUCCEEDED" and found, "the end")
    assert ended["details"]["attempts"] == 1
    assert len(pids(gate)) == 1
    assert len(rows(settings["QUEUE_URL"], "SELECT * FROM procrastinate_jobs")) == 1
