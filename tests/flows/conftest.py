"""Fixtures for the tests of flows: the command line, providers, and files."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from client.cli import main
from client.flows.pytest_plugin import flow_runner
from tests.client.conftest import _time_to_check_a_schema, quick_provider, slow_provider
from tests.processes import RunningProvider

__all__ = [
    "_time_to_check_a_schema",
    "flow_runner",
    "quick_provider",
    "slow_provider",
]  # pytest finds it here, as in a user's conftest.py


@dataclass(frozen=True)
class Done:
    """The output and exit code of a command."""

    exit_code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Command = Callable[..., Done]
WriteFlow = Callable[..., str]


@pytest.fixture(scope="session", name="provider")
def _provider(quick_provider: RunningProvider) -> RunningProvider:
    return quick_provider


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith(("ACTION_", "GLOBUS_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """`globus-action flow …`, in this process."""

    def call(*arguments: str | Path) -> Done:
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main(["flow", *map(str, arguments)])
        assert isinstance(left.value.code, int)
        done = Done(left.value.code, *capsys.readouterr())
        assert "Traceback" not in done.err
        return done

    return call


@pytest.fixture
def write_flow(tmp_path: Path) -> WriteFlow:
    """Write a definition to a file, and return its name."""

    def write(definition: Any, name: str = "flow.json") -> str:
        (tmp_path / name).write_text(json.dumps(definition, indent=2))
        return str(tmp_path / name)

    return write
