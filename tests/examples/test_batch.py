"""The batch example, with real workers on a real PostgreSQL: progress, stops, and the death of any process."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from app.settings import SettingsError, load
from examples.batch import work
from examples.batch.job_queue import LONGEST_RUNS, JobQueue
from tests.examples.waiting import is_running, until
from tests.own_provider import OwnProvider
from tests.postgresql import running_postgresql
from tests.processes import ROOT, clean_environment, running_provider

PROGRAMS = {
    # Says who it is, then waits until the test lets it go on.
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


@pytest.fixture(scope="module")
def queue_url() -> Iterator[str]:
    """The URL of a database for queues."""
    with running_postgresql() as server:
        url = server.create_database("batch_queue").replace("+psycopg", "")
        JobQueue(url).create_tables()
        JobQueue(url).create_tables()  # again: each worker does this
        yield url


@pytest.fixture(autouse=True)
def _empty(queue_url: str) -> None:
    rows(queue_url, "TRUNCATE procrastinate_jobs, procrastinate_workers, batch_runs CASCADE")


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    folder = tmp_path / "programs"
    folder.mkdir()
    for name, script in PROGRAMS.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}")
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def settings(queue_url: str, programs: Path) -> dict[str, str]:
    return {"QUEUE_URL": queue_url, "PROGRAMS": str(programs), "HEARTBEAT_SECONDS": "0.3"}


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch, settings: dict[str, str]) -> Iterator[OwnProvider]:
    provider = OwnProvider(monkeypatch, "examples.batch.work", **settings)
    yield provider
    provider.close()


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


@pytest.fixture
def worker(settings: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    with running_worker(settings) as process:
        yield process


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        found = connection.execute(query)  # type: ignore[call-overload]  # written in this file
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


def test_a_program_runs_with_its_progress_shown(provider: OwnProvider, worker: Any, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    action = run(provider, "wait", gate)
    assert (action["status"], action["display_status"]) == ("ACTIVE", "queued")
    running = status_until(provider, action, display_status="running, 1 of 2")
    assert running["details"] == {"done": 1, "total": 2, "attempts": 1}
    gate.touch()
    ended = status_until(provider, action, status="SUCCEEDED")
    assert ended["details"] == {"output": "went on\n", "exit_code": 0, "attempts": 1}


def test_a_program_that_fails_says_how(provider: OwnProvider, worker: Any) -> None:
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


def test_a_killed_worker_takes_its_program_along_and_another_runs_it_again(
    provider: OwnProvider, settings: dict[str, str], tmp_path: Path
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


def test_a_worker_that_is_told_to_stop_hands_its_job_back(
    provider: OwnProvider, settings: dict[str, str], tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    with running_worker(settings) as first:
        action = run(provider, "wait", gate)
        status_until(provider, action, display_status="running, 1 of 2")
        first.terminate()
        first.wait(timeout=20)
        assert not is_running(pids(gate)[0])
    with running_worker(settings):
        gate.touch()
        assert status_until(provider, action, status="SUCCEEDED")["details"]["attempts"] == 2


def test_a_program_whose_workers_die_again_and_again_is_given_up(
    provider: OwnProvider, settings: dict[str, str], queue_url: str, tmp_path: Path
) -> None:
    action = run(provider, "wait", tmp_path / "gate")
    rows(queue_url, f"UPDATE batch_runs SET attempt = {LONGEST_RUNS}, status = 'running'")
    with running_worker(settings):
        ended = status_until(provider, action, status="FAILED")
    assert ended["details"]["error"] == "LOST"
    assert pids(tmp_path / "gate") == []


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
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str]
) -> None:
    settings["QUEUE_URL"] = "postgresql://nobody@127.0.0.1:1/none"
    provider = OwnProvider(monkeypatch, "examples.batch.work", **settings)
    action = run(provider, "fail")
    assert (action["status"], action["display_status"]) == ("ACTIVE", "queued")


def test_a_killed_provider_finds_its_action_and_the_one_job_again(
    settings: dict[str, str], worker: Any, queue_url: str, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    database = {"DATABASE_URL": f"sqlite:///{tmp_path}/real.db"}
    request = {"request_id": str(uuid.uuid4()), "body": {"program": "wait", "arguments": [str(gate)]}}
    with running_provider(WORK="examples.batch.work", **database, **settings) as first:
        action = call(f"{first.url}/run", request)
        until(lambda: pids(gate), "the program")
        first.process.kill()
    with running_provider(WORK="examples.batch.work", **database, **settings) as second:
        assert call(f"{second.url}/run", request)["action_id"] == action["action_id"]
        gate.touch()
        status = f"{second.url}/{action['action_id']}/status"
        ended = until(lambda: (found := call(status)) and found["status"] == "SUCCEEDED" and found, "the end")
    assert ended["details"]["attempts"] == 1
    assert len(pids(gate)) == 1
    assert len(rows(queue_url, "SELECT * FROM procrastinate_jobs")) == 1


def call(url: str, document: Any = None) -> Any:
    data = None if document is None else json.dumps(document).encode()
    request = urllib.request.Request(url, data, {"Authorization": "Bearer local-token-alice"})
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)


def test_a_missing_or_wrong_database_is_said_in_a_line_without_its_password() -> None:
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
