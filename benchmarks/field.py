"""All peers, running side by side, with the actions and the users that they are asked about."""

from __future__ import annotations

import sys
import tempfile
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import requests

from app.database import prepare_database
from app.limiter import THREADS
from benchmarks.load import ALICE, Case, Peer, bearer, process, start_action, wait_for
from local_globus.directory import CLIENT_SECRET, PROVIDER_CLIENT_ID, PROVIDER_SCOPE
from local_globus.tokens import Tokens
from tests.postgresql import running_postgresql
from tests.processes import free_port

MEMORY, SQLITE, POSTGRESQL = "ours, memory", "ours, SQLite", "ours, PostgreSQL"
TWO_WORKERS = "ours, PostgreSQL, 2 workers"
BARE_SQLITE, BARE_POSTGRESQL, BARE = "bare Flask and sqlite3", "bare Flask and psycopg", "bare Flask"
GUNICORN = "blueprint, gunicorn"
FLOORS = (BARE_SQLITE, BARE_POSTGRESQL, BARE)
PAGE = 100


class Field:
    """All peers, running, with the actions and the users that they are asked about."""

    def __init__(self, stack: ExitStack) -> None:
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        self._stack = stack
        globus = started_globus(stack, "local_globus.web:create_globus", threads=4)
        self._environment = globus | {"BENCH_ANSWERS": str(self.folder)}
        issuer = Tokens(PROVIDER_SCOPE)
        self.users = [
            issuer.issue("access", 86400, {"sub": str(uuid.UUID(int=n)), "scope": PROVIDER_SCOPE, "client_id": "x"})
            for n in range(1, 1001)
        ]
        postgresql = stack.enter_context(running_postgresql()).create_database()
        sqlite = f"sqlite:///{self.folder}/actions.db"
        self.peers = dict[str, Peer]()
        self._actions = dict[str, str]()
        for name, url in ((POSTGRESQL, postgresql), (SQLITE, sqlite), (MEMORY, "memory://")):
            prepare_database(url, migrate=True)
            self.peers[name] = started_provider(stack, name, self._environment, url)
            self._fill(self.peers[name])
        self.peers[TWO_WORKERS] = started_provider(stack, TWO_WORKERS, self._environment, postgresql, "--workers=2")
        self._save_answers(self.peers[MEMORY])
        self._start_floor(BARE_POSTGRESQL, "benchmarks.bare_database:create_app", postgresql)
        self._start_floor(BARE_SQLITE, "benchmarks.bare_database:create_app", sqlite)
        self._start_floor(BARE, "benchmarks.bare_flask:create_app", "")
        self.peers[GUNICORN] = self._gunicorn()
        self._actions |= {TWO_WORKERS: self._actions[POSTGRESQL], BARE_POSTGRESQL: self._actions[POSTGRESQL]}
        self._actions |= {BARE_SQLITE: self._actions[SQLITE], BARE: "x"}
        self._actions[GUNICORN] = start_action(self.peers[GUNICORN].url, ALICE, "prepared")

    def _start_floor(self, name: str, target: str, database_url: str) -> None:
        environment = self._environment | {"BENCH_DATABASE_URL": database_url}
        self.peers[name] = started(self._stack, name, target, THREADS, environment)

    def _gunicorn(self) -> Peer:
        port = free_port()
        options = ("-k", "gthread", "--threads", "4", "-b", f"127.0.0.1:{port}", "--keep-alive", "60")
        target = "benchmarks.blueprint_provider:create_app()"
        command = process(sys.executable, "-m", "gunicorn", *options, target, **self._environment)
        return answering(Peer(GUNICORN, f"http://127.0.0.1:{port}", self._stack.enter_context(command)))

    def _fill(self, peer: Peer) -> None:
        self._actions[peer.name] = start_action(peer.url, ALICE, "prepared")
        for number in range(PAGE):
            start_action(peer.url, ALICE, f"page-{number}")

    def _save_answers(self, peer: Peer) -> None:
        """Save what bare Flask responds with: the same bytes as ours."""
        answers = {"introspect": "/", "status": f"/{self._actions[peer.name]}/status", "page": "/actions"}
        for name, path in answers.items():
            (self.folder / name).write_bytes(requests.get(peer.url + path, headers=bearer(ALICE), timeout=30).content)

    def requests_of(self, peer: Peer, case: Case) -> Path:
        """Return the file of the lines "token path" that the peer is asked in a case."""
        path = {"run": "/run", "page": "/actions"}.get(case.operation, f"/{self._actions[peer.name]}/status")
        lines = [f"{ALICE} {path}"]
        if case.users > 1:
            tokens = self.users[: case.users]
            with ThreadPoolExecutor(8) as pool:
                ids = list(pool.map(lambda token: start_action(peer.url, token, "mine"), tokens))
            lines = [f"{token} /{action_id}/status" for token, action_id in zip(tokens, ids, strict=True)]
        file = self.folder / f"{peer.name} {case.name}.txt".replace(" ", "_")
        file.write_text("\n".join(lines) + "\n")
        return file


def urn_of(identity: str) -> str:
    return f"urn:globus:auth:identity:{identity}"


def started_globus(stack: ExitStack, target: str, *, threads: int) -> dict[str, str]:
    """A stand-in for Globus Auth, and the settings of a provider that asks it, whose actions take a day."""
    return settings_with(started(stack, "Globus", target, threads, {}).url + "/")


def settings_with(url: str) -> dict[str, str]:
    """The settings of a provider that asks the stand-in at this URL, whose actions take a day."""
    return {
        "GLOBUS_SDK_SERVICE_URL_AUTH": url,
        "GLOBUS_SDK_SERVICE_URL_GROUPS": url,
        "WHATTIME_CLIENT_ID": PROVIDER_CLIENT_ID,
        "WHATTIME_CLIENT_SECRET": CLIENT_SECRET,
        "WHATTIME_SCOPE": PROVIDER_SCOPE,
        "WHATTIME_MIN_SECONDS": "86400",
        "WHATTIME_MAX_SECONDS": "86400",
    }


def started_provider(
    stack: ExitStack,
    name: str,
    environment: Mapping[str, str],
    database_url: str,
    *options: str,
    threads: int = THREADS,
) -> Peer:
    """Our provider as `script/server` starts it in production."""
    port = free_port()
    command = (sys.executable, "-m", "app", f"--port={port}", f"--threads={threads}", *options)
    settings = {**environment, "WHATTIME_DATABASE_URL": database_url}
    return answering(Peer(name, f"http://127.0.0.1:{port}", stack.enter_context(process(*command, **settings))))


def started(stack: ExitStack, name: str, target: str, threads: int, environment: Mapping[str, str]) -> Peer:
    """An application on granian."""
    port = free_port()
    command = (sys.executable, "-m", "benchmarks.serve", target, str(port), str(threads))
    return answering(Peer(name, f"http://127.0.0.1:{port}", stack.enter_context(process(*command, **environment))))


def answering(peer: Peer) -> Peer:
    wait_for(peer.url)
    return peer
