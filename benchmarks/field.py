"""All peers, running side by side, with the actions and the users that they are asked about."""

from __future__ import annotations

import sys
import tempfile
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from random import Random

import requests

from app.database import open_database, prepare_database
from app.limiter import THREADS
from benchmarks.load import ALICE, CAROL, Peer, bearer, process, start_action, wait_for
from benchmarks.made_up import made_up, store
from local_globus.directory import CLIENT_SECRET, PROVIDER_CLIENT_ID, PROVIDER_SCOPE
from local_globus.tokens import Tokens
from tests.postgresql import running_postgresql
from tests.processes import free_port

BARE, GUNICORN, GRANIAN, MEMORY = "bare Flask", "blueprint, gunicorn", "blueprint, granian", "ours, memory"
POSTGRESQL, TWO_WORKERS, SQLITE = "ours, PostgreSQL", "ours, PostgreSQL, 2 workers", "ours, SQLite"
POSTGRESQL_FLOOR, SQLITE_FLOOR = "bare Flask and psycopg", "bare Flask and sqlite3"


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
            for n in range(1, 10_001)
        ]
        postgresql = stack.enter_context(running_postgresql())
        memory = self._ours(MEMORY, "memory://")
        self._save_answers(memory)
        self.peers = [
            self._ours(POSTGRESQL, postgresql.create_database("one")),
            self._floor(POSTGRESQL_FLOOR, postgresql.create_database("floor")),
            self._ours(TWO_WORKERS, postgresql.create_database("two"), "--workers=2"),
            self._ours(SQLITE, f"sqlite:///{self.folder}/actions.db"),
            self._floor(SQLITE_FLOOR, f"sqlite:///{self.folder}/floor.db"),
            memory,
            self._peer(BARE, "benchmarks.bare_flask:create_app", THREADS),
            self._gunicorn(),
            self._peer(GRANIAN, "benchmarks.blueprint_provider:create_app", 4),
        ]

    def _ours(self, name: str, database_url: str, *options: str) -> Peer:
        prepare_database(database_url, migrate=True)
        return started_provider(self._stack, name, self._environment, database_url, *options)

    def _floor(self, name: str, database_url: str) -> Peer:
        """Return bare Flask with the bare driver, on tables like ours with the page's 100 actions in them."""
        prepare_database(database_url, migrate=True)
        database = open_database(database_url)
        store(database_url, database, list(islice(made_up(Random(1)), 120)))
        database.close()
        environment = self._environment | {"BENCH_DATABASE_URL": database_url}
        return started(self._stack, name, "benchmarks.floor:create_app", THREADS, environment)

    def _peer(self, name: str, target: str, threads: int) -> Peer:
        return started(self._stack, name, target, threads, self._environment)

    def _gunicorn(self) -> Peer:
        port = free_port()
        options = ("-k", "gthread", "--threads", "4", "-b", f"127.0.0.1:{port}", "--keep-alive", "60")
        target = "benchmarks.blueprint_provider:create_app()"
        command = process(sys.executable, "-m", "gunicorn", *options, target, **self._environment)
        return answering(Peer(GUNICORN, f"http://127.0.0.1:{port}", self._stack.enter_context(command)))

    def _save_answers(self, peer: Peer) -> None:
        """What the limit answers: the same bytes as ours."""
        for number in range(100):
            start_action(peer.url, ALICE, f"saved-{number}")
        answers = {"introspect": "/", "status": f"/{start_action(peer.url, ALICE, 'x')}/status", "page": "/actions"}
        for name, path in answers.items():
            (self.folder / name).write_bytes(requests.get(peer.url + path, headers=bearer(ALICE), timeout=30).content)

    def prepare(self, peer: Peer) -> dict[str, Path]:
        """Write the lines "token path" of each case that this peer is measured in, and return the files."""
        mine = "x" if peer.name == BARE else start_action(peer.url, ALICE, "prepared")
        lines = {"status": [f"{ALICE} /{mine}/status"], "run": [f"{ALICE} /run"]}
        if "blueprint" not in peer.name:
            lines["page of 100"] = [f"{ALICE} /actions"]
        if peer.name in (MEMORY, BARE):
            lines["introspect"] = [f"{ALICE} /"]
        if peer.name in (POSTGRESQL, SQLITE, MEMORY):
            lines["repeat of a run"] = lines["run"]
            lines["denied (404)"] = [f"{CAROL} /{mine}/status"]
        if peer.name in (POSTGRESQL, MEMORY, GUNICORN):
            users = self.users if peer.name == MEMORY else self.users[:1000]
            with ThreadPoolExecutor(8) as pool:
                ids = pool.map(lambda token: start_action(peer.url, token, "mine"), users)
                theirs = [f"{token} /{action_id}/status" for token, action_id in zip(users, ids, strict=True)]
            lines["status, 1,000 users"] = theirs[:1000]
            if len(users) > 1000:
                lines["status, 10,000 users"] = theirs
        if "ours" in peer.name:
            for number in range(100):
                start_action(peer.url, ALICE, f"page-{number}")
        files = {}
        for case, text in lines.items():
            files[case] = self.folder / f"{peer.name} {case}.txt".replace(" ", "_")
            files[case].write_text("\n".join(text) + "\n")
        return files


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
