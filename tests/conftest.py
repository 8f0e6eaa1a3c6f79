"""Shared fixtures: a clock, the patched Globus, three people, and the provider that they call."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from app import create_app
from app.app import utc_now
from app.database import Database, open_database, prepare_database
from app.database.engine import open_engine
from app.limiter import THREADS
from app.monitoring.request_log import current_request_id
from tests.api import Caller, provider_of
from tests.clock import Clock
from tests.parallel import pytest_cmdline_main  # noqa: F401  # pytest calls it
from tests.patched_auth import PatchedGlobus, Person, patch_globus
from tests.postgresql import running_postgresql
from tests.processes import ROOT

CREDENTIALS = {
    "CLIENT_ID": "11111111-2222-4333-8444-555555555555",
    "CLIENT_SECRET": "not-a-secret",
    "SCOPE": "https://auth.globus.org/scopes/11111111-2222-4333-8444-555555555555/action_all",
    "LOG_FORMAT": "off",
}
GROUP_ID = "99999999-2222-4333-8444-555555555555"
GROUP = f"urn:globus:groups:id:{GROUP_ID}"

ALICE = Person("alice", linked_ids=("a11ce000-0000-4000-8000-000000000002",))
BOB = Person("bob", groups=(GROUP_ID,))
CAROL = Person("carol")


SLOW = {
    "client/test_commands.py",
    "client/test_odd_provider.py",
    "client/test_terminal.py",
    "conformance/test_conformance.py",
    "conformance/test_defects.py",
    "conformance/test_examples.py",
    "examples/test_batch.py",
    "examples/test_batch_deaths.py",
    "examples/test_new_provider.py",
    "examples/test_readmes.py",
    "flows/test_commands.py",
    "local_globus/test_document.py",
    "local_globus/test_login.py",
    "local_globus/test_resume.py",
    "test_bursts.py",
    "test_clients.py",
    "test_container.py",
    "test_docs.py",
    "test_documents.py",
    "test_failover.py",
    "test_faults.py",
    "test_http.py",
    "test_nginx.py",
    "test_parallel.py",
    "test_prometheus.py",
    "test_setup.py",
    "test_work_faults.py",
}
"""Files whose tests spend their time on processes, browsers, or terminals: `script/test-all --fast` leaves them out."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    assert all((here / name).is_file() for name in SLOW), "SLOW names a file that does not exist"
    for item in items:
        if item.path.is_relative_to(here) and item.path.relative_to(here).as_posix() in SLOW:
            item.add_marker("slow")


@pytest.fixture(autouse=True)
def _no_settings_of_the_developer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("WHATTIME_", "GLOBUS_SDK_")):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _no_request_yet() -> None:
    current_request_id.set(None)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def globus(monkeypatch: pytest.MonkeyPatch) -> PatchedGlobus:
    return patch_globus(monkeypatch, scope=CREDENTIALS["SCOPE"])


AppFactory = Callable[..., Flask]
CallerFactory = Callable[..., Caller]


@pytest.fixture
def new_app() -> Iterator[AppFactory]:
    """Create applications with these settings, and close them after the test: new_app(FAILURE_RATE=0)."""
    with ExitStack() as apps:

        def create(
            *,
            clock: Callable[[], datetime] = utc_now,
            timer: Callable[[], float] = time.monotonic,
            threads: int = THREADS,
            **settings: Any,
        ) -> Flask:
            app = create_app({**CREDENTIALS, **settings}, clock=clock, timer=timer, threads=threads)
            apps.callback(provider_of(app).close)
            return app

        yield create


@pytest.fixture
def provider(globus: PatchedGlobus, clock: Clock, new_app: AppFactory) -> CallerFactory:
    """A provider with these settings, called as one person: provider(ALICE, FAILURE_RATE=0).

    Within a test, all calls with the same settings go to the same provider.
    """
    clients: dict[str, Any] = {}

    def call(person: Person | None, **settings: Any) -> Caller:
        if str(settings) not in clients:
            clients[str(settings)] = new_app(**settings, clock=clock, timer=clock.timer).test_client()
        return Caller(clients[str(settings)], None if person is None else globus.login(person))

    return call


@pytest.fixture
def alice(provider: CallerFactory) -> Caller:
    return provider(ALICE)


@pytest.fixture
def bob(provider: CallerFactory) -> Caller:
    return provider(BOB)


@pytest.fixture
def carol(provider: CallerFactory) -> Caller:
    return provider(CAROL)


@pytest.fixture(scope="session")
def command() -> str:
    """The path of the `globus-automate` command.

    Its last release with these commands needs different versions of the toolkit's dependencies, so it gets its own
    virtual environment, which is created once.
    """
    environment = ROOT / ".venv-globus-automate"
    made = environment / ".made"
    with Path(f"{environment}.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # only one of several test processes creates it
        if not made.exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(environment)], check=True)
            pip = [str(environment / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, "globus-automate-client==0.17.1", "click<8.2"], check=True)
            made.touch()
    return str(environment / "bin" / "globus-automate")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL database with our tables, on a server just for the tests."""
    with running_postgresql() as server:
        url = server.create_database()
        prepare_database(url, migrate=True)
        yield url


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, one of each kind."""
    if request.param == "memory":
        return "memory://"
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/actions.db"
    url: str = request.getfixturevalue("postgresql")
    engine = open_engine(url)
    with engine.connect() as connection:
        connection.execute(text("TRUNCATE actions, action_principals"))
    engine.dispose()
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = open_database(database_url)
    yield database
    database.close()
