"""The batch example with a real worker, on a real PostgreSQL."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from app.settings import SettingsError, load
from examples.batch import work
from examples.batch.job_queue import JobQueue
from tests.examples.batch_parts import Settings, batch_settings, pids, rows, run, running_worker, status_until
from tests.own_provider import OwnProvider
from tests.processes import ROOT
from tests.waiting import is_running, until


@pytest.fixture(scope="module")
def settings(postgresql: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return batch_settings(postgresql, tmp_path_factory.mktemp("programs"))


@pytest.fixture(scope="module")
def worker(settings: Settings) -> Iterator[subprocess.Popen[str]]:
    with running_worker(settings) as process:
        yield process


@pytest.fixture
def queue_url(settings: Settings) -> str:
    """The URL of the queue, emptied."""
    rows(settings["QUEUE_URL"], "TRUNCATE procrastinate_jobs, batch_runs CASCADE")
    return settings["QUEUE_URL"]


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch, settings: Settings, queue_url: str) -> Iterator[OwnProvider]:
    with closing(OwnProvider(monkeypatch, "examples.batch.work", **settings)) as provider:
        yield provider


def test_a_program_runs_with_its_progress_shown(provider: OwnProvider, worker: Any, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    action = run(provider, "wait", gate)
    assert (action["status"], action["display_status"]) == ("ACTIVE", "queued")
    running = status_until(provider, action, display_status="running, 1 of 2")
    assert running["details"] == {"done": 1, "total": 2, "attempts": 1}
    gate.touch()
    ended = status_until(provider, action, status="SUCCEEDED")
    assert ended["details"] == {"output": "went on\n", "exit_code": 0, "attempts": 1}


def test_a_failing_program_shows_its_exit_code(provider: OwnProvider, worker: Any) -> None:
    ended = status_until(provider, run(provider, "fail"), status="FAILED")
    assert ended["details"] == {
        "message": "The program ended with exit code 3.",
        "error": "PROGRAM_FAILED",
        "output": "no luck\n",
        "exit_code": 3,
        "attempts": 1,
    }


def test_the_end_of_a_long_output_is_kept(provider: OwnProvider, worker: Any) -> None:
    output = status_until(provider, run(provider, "long-line"), status="SUCCEEDED")["details"]["output"]
    assert output.endswith("x\nend\n")
    assert len(output) == 4000


def test_a_program_sees_no_setting_of_the_provider(provider: OwnProvider, worker: Any) -> None:
    output = status_until(provider, run(provider, "environment"), status="SUCCEEDED")["details"]["output"]
    assert "PATH=" in output
    assert "WHATTIME" not in output


def test_only_offered_programs_run(provider: OwnProvider) -> None:
    error = provider.alice.run(400, body={"program": "rm"})
    assert error["description"] == "body.program: the programs are environment, fail, long-line, wait"
    for program in ("../wait", "/bin/sh", "wait/../fail", ""):
        provider.alice.run(400, body={"program": program})


def test_cancel_kills_the_program(provider: OwnProvider, worker: Any, tmp_path: Path, queue_url: str) -> None:
    gate = tmp_path / "gate"
    action = run(provider, "wait", gate)
    status_until(provider, action, display_status="running, 1 of 2")
    assert provider.alice.cancel(action["action_id"])["details"]["error"] == "CANCELLED"
    until(lambda: not is_running(pids(gate)[0]), "the end of the program")
    until(lambda: rows(queue_url, "SELECT status FROM procrastinate_jobs") == [("aborted",)], "the abort")
    provider.alice.release(action["action_id"])
    assert rows(queue_url, "SELECT * FROM batch_runs") == rows(queue_url, "SELECT * FROM procrastinate_jobs") == []


def test_at_its_deadline_the_program_is_killed(provider: OwnProvider, worker: Any, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    deadline = provider.clock.now.replace(hour=23).isoformat()
    action = provider.alice.run(body={"program": "wait", "arguments": [str(gate)]}, deadline=deadline)
    status_until(provider, action, display_status="running, 1 of 2")
    provider.clock.tick(hours=12)
    assert provider.alice.status(action["action_id"])["details"]["error"] == "DEADLINE_EXCEEDED"
    until(lambda: not is_running(pids(gate)[0]), "the end of the program")


def test_many_submissions_of_an_action_are_one_job(queue_url: str) -> None:
    def submit(_: int) -> int | None:
        return JobQueue(queue_url).submit("action", "wait", ["x"]).job_id

    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(submit, range(24)))
    assert rows(queue_url, "SELECT id FROM procrastinate_jobs") == [(id_,) for id_ in ids]
    rows(queue_url, "UPDATE procrastinate_jobs SET status = 'succeeded'")
    assert {submit(0)} == ids


def test_a_job_that_is_stopped_before_its_submission_never_runs(queue_url: str) -> None:
    JobQueue(queue_url).stop("action")
    assert JobQueue(queue_url).submit("action", "wait", ["x"]).status == "stopped"
    assert rows(queue_url, "SELECT * FROM procrastinate_jobs") == []


def test_without_the_queue_the_action_waits_and_callers_see_no_error(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    nowhere = {**settings, "QUEUE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    with closing(OwnProvider(monkeypatch, "examples.batch.work", **nowhere)) as provider:
        action = run(provider, "fail")
    assert (action["status"], action["display_status"]) == ("ACTIVE", "queued")


def test_a_missing_or_wrong_database_is_reported_in_one_line_without_its_password() -> None:
    with pytest.raises(SettingsError) as missing:
        load({"WORK": "examples.batch.work"})
    assert missing.value.format_message() == "WHATTIME_QUEUE_URL must be set: the PostgreSQL database of the queue."
    with pytest.raises(SettingsError) as wrong:
        load({"WORK": "examples.batch.work", "QUEUE_URL": "mysql://me:my-secret@host/x"})
    assert wrong.value.format_message() == (
        "WHATTIME_QUEUE_URL is wrong: it must be postgresql://USER:PASSWORD@HOST/DATABASE"
    )


def test_the_programs_that_come_with_it_are_executable() -> None:
    assert work.programs(ROOT / "examples" / "batch" / "programs") == ["estimate-pi"]
    done = subprocess.run(
        [ROOT / "examples/batch/programs/estimate-pi", "1"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("PROGRESS 1 1\npi is about 3.")
