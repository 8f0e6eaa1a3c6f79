"""Does it matter how much is stored? Times each database at a thousand, at 100,000, and at a million actions.

script/bench-scale [actions] [databases, such as memory,SQLite]: prints tables of microseconds and of requests per
second, and puts them into docs/benchmarks.md.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from itertools import count, islice
from pathlib import Path
from random import Random
from typing import Any

from app.action.record import Action, Status
from app.action.store import Query
from app.database import Database, open_database, prepare_database
from app.database.engine import open_engine
from benchmarks import growth
from benchmarks.load import DOCS, check_wrk, replace_section, say
from benchmarks.made_up import CREATOR, NOW, made_up, store
from tests.postgresql import running_postgresql

FEW = 1000
SIZES = (FEW, 100_000)
"""How many actions there are when it is measured, up to the number asked for, which is the last."""

ROUNDS = 2000
PURGED = 500

DATABASES: dict[str, Callable[[ExitStack], str]] = {
    "memory": lambda _stack: "memory://",
    "SQLite": lambda stack: f"sqlite:///{stack.enter_context(tempfile.TemporaryDirectory())}/a.db",
    "PostgreSQL": lambda stack: stack.enter_context(running_postgresql()).create_database(),
}


def microseconds(work: Callable[[], Any], rounds: int = ROUNDS) -> float:
    """The median time of a call."""
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return statistics.median(times) * 1e6


def measure(database: Database, stored: Sequence[Action]) -> dict[str, float]:
    """Return the microseconds of each call."""
    random, numbers, known = Random(2), count(10), stored[:: max(1, len(stored) // FEW)]

    def query(*statuses: str) -> Query:
        wanted = frozenset(Status[name] for name in statuses)
        return Query(frozenset({CREATOR}), frozenset({"creator_id"}), wanted, limit=100)

    for status in ("ACTIVE", "SUCCEEDED"):
        documents = database.list(query(status), NOW).documents
        assert len([document for document in documents if document]) == 100, f"no full page of {status}"

    def create() -> None:
        new = next(made_up(Random(next(numbers))))
        database.delete(database.create(new).action_id)

    return {
        "get": microseconds(lambda: database.get(random.choice(known).action_id)),
        "find a request": microseconds(lambda: database.find(CREATOR, random.choice(known).request_id)),
        "create and delete": microseconds(create, ROUNDS // 10),
        "list 100 active": microseconds(lambda: database.list(query("ACTIVE"), NOW), ROUNDS // 10),
        "list 100 succeeded": microseconds(lambda: database.list(query("SUCCEEDED"), NOW), ROUNDS // 10),
        "purge nothing": microseconds(lambda: database.purge(NOW, PURGED), ROUNDS // 10),
        "purge, per action": purge_one(database),
    }


def purge_one(database: Database) -> float:
    """Return the microseconds that purging one of PURGED expired actions takes."""
    expired = [
        replace(action, release_after=timedelta(0)) for action in islice(made_up(Random(3)), 1000, 1000 + PURGED)
    ]
    for action in expired:
        database.create(action)
    begin = time.perf_counter()
    dropped = database.purge(NOW, PURGED)
    seconds = time.perf_counter() - begin
    assert len(dropped) == PURGED
    return seconds / PURGED * 1e6


def main() -> None:
    check_wrk()
    many = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    chosen = sys.argv[2].split(",") if len(sys.argv) > 2 else list(DATABASES)
    sizes = [size for size in SIZES if size < many] + [many]
    calls, requests = [], []
    with ExitStack() as stack:
        over_http = growth.OverHttp(stack)
        for name in chosen:
            url = DATABASES[name](stack)
            called, requested = [], []
            for database, known in growing(name, url, sizes):
                before = size_of(name, url, len(known))
                called.append(measure(database, known))
                requested.append(over_http.measure(url, len(known)) | before)
            calls += rows(name, called, ",.0f")
            requests += rows(name, requested, ",.0f")
    heads = " | ".join(f"{size:,}" for size in sizes)
    ran = f"Run: {', '.join(chosen)} with {' and '.join(f'{size:,}' for size in sizes)} actions of one creator, Python"
    ran += f" {platform.python_version()}, {os.cpu_count()} cores, load average {os.getloadavg()[1]:.0f} at the end."
    text = (
        f"{ran}\n\nMicroseconds per call:\n\n{table(heads, calls)}\n"
        f"Requests per second over HTTP, and bytes:\n\n{table(heads, requests)}"
    )
    print(text)
    replace_section(DOCS / "benchmarks.md", "scale", text)


def size_of(name: str, url: str, stored: int) -> dict[str, float]:
    """Return the bytes that a stored action takes in the database, with its indexes; nothing for memory."""
    if name == "memory":
        return {}
    engine = open_engine(url)
    with engine.connect() as connection:
        if name == "SQLite":
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            total = Path(str(engine.url.database)).stat().st_size
        else:
            total = connection.exec_driver_sql(
                "SELECT pg_total_relation_size('actions') + pg_total_relation_size('action_principals')"
            ).scalar_one()
    engine.dispose()
    return {"bytes per action": total / stored}


def growing(name: str, url: str, sizes: Iterable[int]) -> Iterator[tuple[Database, Sequence[Action]]]:
    """The database, filled up to each of the sizes, with what is in it."""
    prepare_database(url, migrate=True)
    database, source, known = open_database(url), made_up(Random(1)), list[Action]()
    for size in sizes:
        while len(known) < size:
            more = list(islice(source, min(10_000, size - len(known))))
            store(url, database, more)
            known += more
            say(f"{name}: {len(known):,} stored")
        yield database, known
    database.close()
    say("")


def rows(name: str, by_size: Sequence[Mapping[str, float]], form: str) -> list[str]:
    """A row for each thing that was measured: its figure at each size, and the last beside the first."""
    return [
        f"| {name} | {what} | {' | '.join(format(one[what], form) for one in by_size)} |"
        f" {by_size[-1][what] / by_size[0][what]:.2f} |"
        for what in by_size[0]
    ]


def table(heads: str, lines: Iterable[str]) -> str:
    rule = "---:|" * (heads.count("|") + 2)
    return "\n".join([f"| database | what | {heads} | last : first |", f"|---|---|{rule}", *lines]) + "\n"


if __name__ == "__main__":
    main()
