"""Real servers for tests: each on a port of its own, stopped when the test is done with it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).parent.parent
PROVIDER_PYTHON = os.environ.get("PROVIDER_PYTHON", sys.executable)
"""Runs the provider: script/test-sdks tests the client with releases of globus-sdk that the provider cannot use."""


def report_missing(what: str, *packages: str) -> NoReturn:
    """Skip the test because `what` is not installed; fail it if CI says that everything must be there."""
    reason = f"{what} is not installed (on Debian: apt-get install {' '.join(packages)})"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def find_program(name: str, *packages: str) -> str:
    """Return the path of a program, also of one for administrators. Where it is missing, see `report_missing`."""
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") or report_missing(name, *packages or [name])


@dataclass(frozen=True)
class RunningProvider:
    url: str
    auth_url: str
    banner: str
    process: subprocess.Popen[str]

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def scope(self) -> str:
        return next(line.split()[1] for line in self.banner.splitlines() if line.split()[:1] == ["scope"])

    @property
    def environment(self) -> dict[str, str]:
        """What points a client at the stand-in for Globus Auth."""
        return {"GLOBUS_SDK_SERVICE_URL_AUTH": self.auth_url, "GLOBUS_SDK_SERVICE_URL_GROUPS": self.auth_url}

    def signal_all(self, sent: signal.Signals) -> None:
        """Send a signal to the server and its workers, all at once."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for each in (pid, *map(int, children)):
            os.kill(each, sent)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clean_environment(**more: str) -> dict[str, str]:
    """The environment without settings that a developer has made."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WHATTIME_", "GLOBUS_"))}
    return kept | more


def stored_token(scope: str, token: str) -> str:
    """What `globus-automate` keeps in its token file after a login."""
    entry: dict[str, object] = {
        "access_token": token,
        "refresh_token": None,
        "expiration_time": None,
        "dependent_scopes": [],
    }
    return json.dumps({scope: entry})


def start(
    *options: str,
    script: tuple[str, ...] = ("-m", "app"),
    environment: Mapping[str, str] | None = None,
    **settings: str,
) -> subprocess.Popen[str]:
    """`python -m app` as a process, with its output to read.

    :param environment: further variables of its environment; `settings` are those with our prefix.
    """
    return subprocess.Popen(
        [PROVIDER_PYTHON, *script, *options],
        cwd=ROOT,
        env=clean_environment(**{f"WHATTIME_{name}": value for name, value in settings.items()}, **environment or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextlib.contextmanager
def running_provider(
    *options: str,
    port: int | None = None,
    script: tuple[str, ...] = ("-m", "app"),
    environment: Mapping[str, str] | None = None,
    **settings: str,
) -> Iterator[RunningProvider]:
    """A provider in local mode that answers requests, on a port of its own if none is given."""
    port, auth_port = port or free_port(), free_port()
    process = start(
        f"--port={port}", f"--auth-port={auth_port}", *options, script=script, environment=environment, **settings
    )
    try:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.strip().startswith("-d "):
                break
        assert process.poll() is None, process.communicate()
        yield RunningProvider(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{auth_port}/", "".join(lines), process)
    finally:
        process.terminate()
        process.communicate(timeout=60)
