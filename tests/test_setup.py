"""script/setup, which every other script calls first: of several at once, one makes .venv, and the others wait."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.processes import ROOT, clean_environment

PATIENCE_SECONDS = 120

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose requirements need no network."""
    (tmp_path / "script").mkdir()
    shutil.copy(ROOT / "script" / "setup", tmp_path / "script")
    for name in ("requirements.txt", "requirements-dev.txt"):
        (tmp_path / name).write_text("")
    return tmp_path


@pytest.fixture
def start(project: Path, request: pytest.FixtureRequest) -> Start:
    def start_setup(requirements: str = "requirements.txt") -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [project / "script" / "setup", requirements],
            env=clean_environment(PYTHON=sys.executable),
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        request.addfinalizer(process.communicate)
        return process

    return start_setup


def finish(process: subprocess.Popen[str]) -> str:
    """Return what it said, once it has succeeded."""
    _, said = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, said
    return said


def wait_until_it_says(process: subprocess.Popen[str], words: str) -> None:
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if words in line:
            return
    pytest.fail(f"{words} was not said, but {lines}")


def assert_complete(project: Path) -> None:
    python = str(project / ".venv" / "bin" / "python")
    subprocess.run([python, "-m", "pip", "--version"], check=True, capture_output=True)


def test_two_first_runs_at_once_make_one_environment(project: Path, start: Start) -> None:
    both = [start("requirements.txt"), start("requirements-dev.txt")]
    said = "".join(finish(process) for process in both)
    assert said.count("Making .venv") == 1
    assert said.count("Another script is setting up .venv; waiting") == 1
    assert_complete(project)
    assert {path.name for path in (project / ".venv").glob(".installed-*")} == {
        ".installed-requirements.txt",
        ".installed-requirements-dev.txt",
    }


def test_a_run_waits_for_another_only_while_there_is_something_to_do(project: Path, start: Start) -> None:
    finish(start())
    stamp = project / ".venv" / ".installed-requirements.txt"
    with (project / ".venv.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert finish(start()) == ""
        stamp.rename(project / "stamp")
        waiting = start()
        wait_until_it_says(waiting, "Another script is setting up .venv; waiting")
        (project / "stamp").rename(stamp)
    assert finish(waiting) == ""


def test_a_run_that_was_killed_is_made_up_for_by_the_next(project: Path, start: Start) -> None:
    killed = start()
    wait_until_it_says(killed, "Making .venv")
    os.killpg(killed.pid, signal.SIGKILL)
    assert "Making .venv" in finish(start())
    assert_complete(project)


def test_an_environment_without_pip_is_made_anew(project: Path, start: Start) -> None:
    bare = [sys.executable, "-m", "venv", "--without-pip", str(project / ".venv")]  # as if killed halfway
    subprocess.run(bare, check=True)
    assert "Making .venv" in finish(start())
    assert_complete(project)
