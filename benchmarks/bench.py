"""How fast is it? This provider and its peers side by side, in interleaved rounds of `wrk`, on this machine.

script/bench [seconds a measurement] [rounds]: prints tables, and puts them into docs/benchmarks.md, with a picture.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import requests

from app.database import prepare_database
from local_globus.directory import CLIENT_SECRET, PROVIDER_CLIENT_ID, PROVIDER_SCOPE
from local_globus.tokens import Tokens
from tests.postgresql import running_postgresql
from tests.processes import ROOT, clean_environment, free_port

CONNECTIONS = 8
THREADS = 16
USERS_A_SECOND = 250
"""How many new users a second are seen at least, while warming up."""

ALICE = "local-token-alice"
DOCS = ROOT / "docs"


@dataclass
class Peer:
    name: str
    url: str
    process: psutil.Process
    many_users: bool = True

    def processes(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]

    def cpu_seconds(self) -> float:
        return float(sum(sum(process.cpu_times()[:2]) for process in self.processes()))

    def megabytes(self) -> float:
        return float(sum(process.memory_info().rss for process in self.processes()) / 2**20)


@dataclass(frozen=True)
class Case:
    """What is asked: by whom and where (a file of lines "token path" for each peer), how, and as whom it is counted."""

    name: str
    method: str = "GET"
    unique: bool = False
    users: int = 1


CASES = (
    Case("introspect"),
    Case("run", "POST", unique=True),
    Case("repeat of a run", "POST"),
    Case("status"),
    Case("status, 1,000 users", users=1000),
    Case("status, 10,000 users", users=10_000),
    Case("enumerate, a page of 100"),
    Case("denied (404)"),
)
BARE, GUNICORN, MEMORY = "bare Flask, granian", "blueprint, gunicorn", "ours, memory"
GOALS = (
    ("status : bare Flask", "status", MEMORY, "status", BARE, 0.80),
    ("introspect : bare Flask", "introspect", MEMORY, "introspect", BARE, 0.85),
    ("run : bare Flask that parses", "run", MEMORY, "run", BARE, 0.55),
    ("status of 1,000 users : of one", "status, 1,000 users", MEMORY, "status", MEMORY, 0.90),
    ("status of 10,000 users : of one", "status, 10,000 users", MEMORY, "status", MEMORY, None),
    ("status : blueprint on gunicorn", "status", MEMORY, "status", GUNICORN, 2.4),
    ("status of 1,000 users : blueprint", "status, 1,000 users", MEMORY, "status, 1,000 users", GUNICORN, 20),
    ("run : blueprint on gunicorn", "run", MEMORY, "run", GUNICORN, 2),
    ("status on SQLite : in memory", "status", "ours, SQLite", "status", MEMORY, None),
    ("status on PostgreSQL : in memory", "status", "ours, PostgreSQL", "status", MEMORY, 0.35),
)


@contextmanager
def process(*command: str, **environment: str) -> Iterator[psutil.Process]:
    quiet = subprocess.DEVNULL
    running = subprocess.Popen(command, cwd=ROOT, env=clean_environment(**environment), stdout=quiet, stderr=quiet)
    try:
        yield psutil.Process(running.pid)
    finally:
        running.terminate()
        running.wait(30)


def wait_for(url: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            requests.get(url, timeout=5)
        except requests.ConnectionError:
            assert time.monotonic() < deadline, f"nothing answers at {url}"
        else:
            return


class Field:
    """All peers, running, with the actions and the users that they are asked about."""

    def __init__(self, stack: ExitStack) -> None:
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        self._stack = stack
        self._python = sys.executable
        auth_port = free_port()
        self._auth = f"http://127.0.0.1:{auth_port}/"
        stack.enter_context(self._granian("local_globus.web:create_globus", auth_port, 4))
        wait_for(self._auth)
        self._environment = {
            "GLOBUS_SDK_SERVICE_URL_AUTH": self._auth,
            "GLOBUS_SDK_SERVICE_URL_GROUPS": self._auth,
            "WHATTIME_CLIENT_ID": PROVIDER_CLIENT_ID,
            "WHATTIME_CLIENT_SECRET": CLIENT_SECRET,
            "WHATTIME_SCOPE": PROVIDER_SCOPE,
            "WHATTIME_MIN_SECONDS": "86400",
            "WHATTIME_MAX_SECONDS": "86400",
            "BENCH_ANSWERS": str(self.folder),
        }
        issuer = Tokens(PROVIDER_SCOPE)
        self.users = [
            issuer.issue("access", 86400, {"sub": str(uuid.UUID(int=n)), "scope": PROVIDER_SCOPE, "client_id": "x"})
            for n in range(1, 10_001)
        ]
        postgresql = stack.enter_context(running_postgresql())
        urls = {
            MEMORY: "memory://",
            "ours, SQLite": f"sqlite:///{self.folder}/actions.db",
            "ours, PostgreSQL": postgresql.create_database("one"),
        }
        self.peers = [self._ours(name, url) for name, url in urls.items()]
        self.peers.append(self._ours("ours, PostgreSQL, 2 workers", postgresql.create_database("two"), "--workers=2"))
        self._save_answers(self.peers[0])
        self.peers += [
            self._gunicorn(),
            self._peer("blueprint, granian", "benchmarks.blueprint_provider:create_app", 4),
        ]
        self.peers.append(self._peer(BARE, "benchmarks.bare_flask:create_app", THREADS))

    def _granian(self, target: str, port: int, threads: int, **environment: str) -> Any:
        return process(self._python, "-m", "benchmarks.serve", target, str(port), str(threads), **environment)

    def _ours(self, name: str, database_url: str, *options: str) -> Peer:
        prepare_database(database_url, migrate=True)
        port = free_port()
        environment = self._environment | {"WHATTIME_DATABASE_URL": database_url}
        command = (self._python, "-m", "app", f"--port={port}", f"--threads={THREADS}", *options)
        return self._started(name, port, process(*command, **environment))

    def _peer(self, name: str, target: str, threads: int) -> Peer:
        port = free_port()
        return self._started(name, port, self._granian(target, port, threads, **self._environment))

    def _gunicorn(self) -> Peer:
        port = free_port()
        options = ("-k", "gthread", "--threads", "4", "-b", f"127.0.0.1:{port}", "--keep-alive", "60")
        target = "benchmarks.blueprint_provider:create_app()"
        return self._started(
            GUNICORN, port, process(self._python, "-m", "gunicorn", *options, target, **self._environment)
        )

    def _started(self, name: str, port: int, command: Any) -> Peer:
        peer = Peer(name, f"http://127.0.0.1:{port}", self._stack.enter_context(command))
        wait_for(peer.url)
        return peer

    def _save_answers(self, peer: Peer) -> None:
        """What the limit answers: the same bytes as ours."""
        for number in range(100):
            start_action(peer.url, ALICE, f"saved-{number}")
        answers = {"introspect": "/", "status": f"/{start_action(peer.url, ALICE, 'x')}/status", "page": "/actions"}
        for name, path in answers.items():
            (self.folder / name).write_bytes(requests.get(peer.url + path, headers=bearer(ALICE), timeout=30).content)

    def prepare(self, peer: Peer) -> dict[str, Path]:
        """The lines "token path" of each case."""
        bare, blueprint = peer.name == BARE, "blueprint" in peer.name
        mine = "x" if bare else start_action(peer.url, ALICE, "prepared")
        lines = {
            "introspect": [f"{ALICE} /"],
            "run": [f"{ALICE} /run"],
            "status": [f"{ALICE} /{mine}/status"],
        }
        if not blueprint:
            lines["repeat of a run"] = lines["run"]
            lines["enumerate, a page of 100"] = [f"{ALICE} /actions"]
        if not bare:
            lines["denied (404)"] = [f"local-token-carol /{mine}/status"]
            users = self.users[:1000] if blueprint or peer.name != MEMORY else self.users
            with ThreadPoolExecutor(8) as pool:
                ids = pool.map(lambda token: start_action(peer.url, token, "mine"), users)
                theirs = [f"{token} /{action_id}/status" for token, action_id in zip(users, ids, strict=True)]
            lines["status, 1,000 users"] = theirs[:1000]
            if len(users) > 1000:
                lines["status, 10,000 users"] = theirs
        if not blueprint and not bare:
            for number in range(100):
                start_action(peer.url, ALICE, f"page-{number}")
        files = {}
        for case, text in lines.items():
            files[case] = self.folder / f"{peer.name} {case}.txt".replace(" ", "_")
            files[case].write_text("\n".join(text) + "\n")
        return files


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def start_action(url: str, token: str, request_id: str) -> str:
    body: Any = {"request_id": request_id, "body": {"utc_offset": 1}}
    response = requests.post(f"{url}/run", json=body, headers=bearer(token), timeout=30)
    assert response.ok, response.text
    return str(response.json()["action_id"])


def measure(peer: Peer, case: Case, lines: Path, seconds: int) -> dict[str, float]:
    arguments = [str(lines), case.method, *(["unique"] if case.unique else [])]
    options = ["-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(ROOT / "benchmarks" / "users.lua")]
    command = ["wrk", *options, peer.url, "--", *arguments]
    if case.users > 1:  # first, so that each of them has been seen: a user is polling, not coming for the first time
        warm_up = f"-d{max(1, case.users // USERS_A_SECOND)}s"
        subprocess.run([command[0], *options[:2], warm_up, *command[4:]], check=True, stdout=subprocess.DEVNULL)
    cpu = peer.cpu_seconds()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    result["cpu"] = (peer.cpu_seconds() - cpu) / result["requests"] * 1000
    result["rate"] = result["requests"] / result["seconds"]
    if "denied" not in case.name and result["errors"] > result["requests"] * 0.001:
        print(f"\n{peer.name}, {case.name}: {result['errors']:.0f} errors", file=sys.stderr)
    return result


Results = dict[tuple[str, str], dict[str, float]]


def measure_all(field: Field, seconds: int, rounds: int) -> Results:
    """The medians of all rounds, by case and peer."""
    files = {}
    for peer in field.peers:
        say(f"preparing {peer.name}")
        files[peer.name] = field.prepare(peer)
    samples = defaultdict(list)
    for number in range(rounds):
        for case in CASES:
            for peer in field.peers:
                if case.name in files[peer.name]:
                    say(f"round {number + 1} of {rounds}: {case.name}, {peer.name}")
                    samples[case.name, peer.name].append(measure(peer, case, files[peer.name][case.name], seconds))
    say("")
    return {
        key: {name: statistics.median(one[name] for one in many) for name in many[0]} for key, many in samples.items()
    }


def say(text: str) -> None:
    print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def report(results: Results, field: Field, seconds: int, rounds: int) -> str:
    memory = {peer.name: peer.megabytes() for peer in field.peers}
    lines = [
        f"Python {platform.python_version()}, {os.cpu_count()} cores, {CONNECTIONS} connections, {seconds} s a"
        f" measurement, medians of {rounds} interleaved rounds. Only the ratios mean something elsewhere.",
        "",
        "| goal | measured | wanted |",
        "|---|---:|---:|",
    ]
    for name, case, ours, other_case, other, goal in GOALS:
        ratio = results[case, ours]["rate"] / results[other_case, other]["rate"]
        lines.append(f"| {name} | {ratio:.2f} | {'' if goal is None else f'≥ {goal}'} |")
    tail = results["status", MEMORY]
    lines.append(f"| p99 : p50, status | {tail['p99'] / tail['p50']:.1f} | ≤ 6 |")
    lines += [
        "",
        "| case | server | requests/s | : bare | p50 ms | p99 ms | CPU s per 1,000 |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for (case, peer), one in results.items():
        bare = results.get((case, BARE))
        to_bare = f"{one['rate'] / bare['rate']:.2f}" if bare else ""
        times = f"{one['p50']:.1f} | {one['p99']:.1f} | {one['cpu']:.3f}"
        lines.append(f"| {case} | {peer} | {one['rate']:,.0f} | {to_bare} | {times} |")
    lines += ["", "| server | memory at the end, MiB |", "|---|---:|"]
    lines += [f"| {name} | {megabytes:.0f} |" for name, megabytes in memory.items()]
    return "\n".join(lines) + "\n"


def draw(results: Results, path: Path) -> None:
    """Requests per second as bars, a group for each case."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot

    peers = list(dict.fromkeys(peer for _, peer in results))
    cases = list(dict.fromkeys(case for case, _ in results))
    figure, axes = pyplot.subplots(figsize=(11, 6))
    for index, peer in enumerate(peers):
        places = [number + index / (len(peers) + 1) for number in range(len(cases))]
        axes.bar(
            places, [results.get((case, peer), {}).get("rate", 0) for case in cases], 1 / (len(peers) + 1), label=peer
        )
    axes.set_xticks([number + 0.4 for number in range(len(cases))], [case.replace(", ", ",\n") for case in cases])
    axes.set_ylabel("requests per second")
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def replace_section(document: Path, name: str, text: str) -> None:
    """Put `text` between the document's marks for it."""
    before, begin, rest = document.read_text("utf-8").partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition(f"<!-- /{name} -->")
    document.write_text(before + begin + text + end + after, "utf-8")


def main() -> None:
    if shutil.which("wrk") is None:
        sys.exit("Error: the load comes from wrk, and there is none here. On Debian: apt-get install wrk")
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with ExitStack() as stack:
        field = Field(stack)
        results = measure_all(field, seconds, rounds)
        text = report(results, field, seconds, rounds)
    print(text)
    replace_section(DOCS / "benchmarks.md", "results", text)
    draw(results, DOCS / "benchmarks.svg")


if __name__ == "__main__":
    main()
