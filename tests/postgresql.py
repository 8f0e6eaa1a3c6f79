"""A PostgreSQL server for the tests: an unprivileged process with its own directory and port, removed afterwards."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text

from tests.processes import free_port, report_missing

INSTALLED = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
UNPRIVILEGED = ("postgres", "nobody")


@dataclass
class PostgresqlServer:
    programs: Path
    directory: Path
    user: str | None
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://whattime@127.0.0.1:{self.port}/"

    def call(self, program: str, *arguments: str) -> None:
        subprocess.run([self.programs / program, *arguments], check=True, **self._options)

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": str(self.directory), "fsync": "off"}
        arguments = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        command = [
            str(self.programs / "postgres"),
            "-D",
            str(self.directory / "data"),
            "-p",
            str(self.port),
            *arguments,
        ]
        process = self.process = subprocess.Popen(command, **self._options)
        deadline = time.monotonic() + 30
        ready = [str(self.programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        while subprocess.run(ready, check=False).returncode != 0:
            assert process.poll() is None, "PostgreSQL does not start"
            assert time.monotonic() < deadline, "PostgreSQL does not answer"

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server. SIGINT ends its connections; SIGQUIT is like a crash."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(60)
            self.process = None

    def freeze(self) -> None:
        """Answer nothing until `thaw`."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, sent: signal.Signals) -> None:
        assert self.process is not None
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for each in (pid, *map(int, children)):
            os.kill(each, sent)

    def create_database(self, name: str = "whattime") -> str:
        """Return the URL of a new database."""
        engine = create_engine(self.url + "postgres", isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return self.url + name

    @property
    def _options(self) -> dict[str, Any]:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": self.directory}
        return quiet if self.user is None else {**quiet, "user": self.user, "group": pwd.getpwnam(self.user).pw_gid}


@contextlib.contextmanager
def running_postgresql() -> Iterator[PostgresqlServer]:
    """A server that answers. Where PostgreSQL is not installed the test is skipped, unless CI says that it must be."""
    found = shutil.which("initdb")
    programs = INSTALLED[-1] if INSTALLED else Path(found).parent if found else None
    if programs is None:
        report_missing("PostgreSQL", "postgresql")
    user = None
    directory = Path(tempfile.mkdtemp(prefix="whattime-postgresql-"))
    if os.geteuid() == 0:
        users = {entry.pw_name for entry in pwd.getpwall()}
        user = next(name for name in UNPRIVILEGED if name in users)
        shutil.chown(directory, user)
    server = PostgresqlServer(programs, directory, user)
    try:
        server.call(
            "initdb", "-D", str(directory / "data"), "-U", "whattime", "--auth=trust", "--no-sync", "-E", "UTF8"
        )
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory)
