"""Fixtures for the client's tests: providers to call, and the command line with a home directory of its own."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pexpect
import pytest
import yaml

from client.cli import main
from tests.client.odd_provider import OddProvider, running_odd_provider
from tests.processes import ROOT, RunningProvider, clean_environment, running_provider

CLIENT = [sys.executable, "-m", "client"]
BODY = '{"utc_offset": 1}'


@pytest.fixture(scope="session")
def slow_provider() -> Iterator[RunningProvider]:
    """Our provider, with actions that outlast any test."""
    with running_provider(MIN_SECONDS="600", MAX_SECONDS="600", FAILURE_RATE="0") as running:
        yield running


@pytest.fixture(scope="session")
def quick_provider() -> Iterator[RunningProvider]:
    """Our provider, with actions that succeed at once."""
    with running_provider(MIN_SECONDS="0.2", MAX_SECONDS="0.2", FAILURE_RATE="0") as running:
        yield running


@pytest.fixture(scope="session")
def failing_provider() -> Iterator[RunningProvider]:
    """Our provider, with actions that fail at once."""
    with running_provider(MIN_SECONDS="0.2", MAX_SECONDS="0.2", FAILURE_RATE="1") as running:
        yield running


@pytest.fixture
def odd() -> Iterator[OddProvider]:
    with running_odd_provider() as provider:
        yield provider


@dataclass(frozen=True)
class Done:
    """The exit code and the output of a command."""

    exit_code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def yaml(self) -> Any:
        return yaml.safe_load(self.out)


Command = Callable[..., Done]


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith(("ACTION_", "GLOBUS_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture(autouse=True)
def _time_to_check_a_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a check on a busy machine take longer than users would wait."""
    monkeypatch.setattr("client.schema_check.LIMIT_SECONDS", 60.0)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run the command line in this process: command("run", "--body", BODY, url=URL, token=TOKEN, stdin="…")."""

    def call(*arguments: str, url: str | None = None, token: str | None = None, stdin: str = "") -> Done:
        with monkeypatch.context() as patch:
            for name, value in {"ACTION_URL": url, "ACTION_TOKEN": token}.items():
                if value is not None:
                    patch.setenv(name, value)
            patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
            capsys.readouterr()
            with pytest.raises(SystemExit) as left:
                main(arguments)
        assert isinstance(left.value.code, int)
        done = Done(left.value.code, *capsys.readouterr())
        assert "Traceback" not in done.err
        return done

    return call


@pytest.fixture
def alice(command: Command, slow_provider: RunningProvider) -> Command:
    """Run the command line as Alice, with our provider."""
    return lambda *arguments, **options: command(
        *arguments, url=slow_provider.url, token="local-token-alice", **options
    )


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds for which the program would have slept; it does not."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    return slept


Terminal = Callable[..., Any]


@pytest.fixture
def terminal(slow_provider: RunningProvider, tmp_path: Path) -> Terminal:
    """Run the command line in a pseudo-terminal: terminal("login", NO_COLOR="1")."""

    def spawn(*arguments: str, **environment: str) -> Any:
        settings = {
            "ACTION_URL": slow_provider.url,
            "HOME": str(tmp_path),
            "TERM": "xterm",
            **slow_provider.environment,
        }
        return pexpect.spawn(
            CLIENT[0],
            [*CLIENT[1:], *arguments],
            env=clean_environment(**{**settings, **environment}),
            cwd=str(ROOT),
            encoding="utf-8",
            timeout=60,
            dimensions=(40, 100),
            preexec_fn=hear_ctrl_c,
        )

    return spawn


def hear_ctrl_c() -> None:
    """Handle Ctrl-C even if the tests run in the background of a shell, which ignores it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def seen(terminal: Any, exit_code: int = 0) -> str:
    """Return the rest of the output, once the command has ended with this exit code."""
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == exit_code, terminal.before
    return str(terminal.before).replace("\r\n", "\n")
