"""Does it matter how much is stored? Measures each database with a thousand, a hundred thousand, and a million actions.

script/bench-scale [most]: prints tables, and puts them into docs/benchmarks.md.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import timedelta
from itertools import count, islice
from pathlib import Path
from random import Random
from typing import Any

import psutil
import psycopg
from sqlalchemy import make_url

from app.action.record import Action, Status
from app.action.store import Query
from app.database import Database, open_database, prepare_database
from benchmarks import growth
from benchmarks.load import DOCS, check_wrk, replace_section, say
from benchmarks.made_up import CREATOR, NOW, made_up, store
from tests.postgresql import running_postgresql

SIZES = (1000, 100_000, 1_000_000)
ROUNDS = 1000
PURGED = 500
"""How many actions one call purges: as many as the provider does at once."""


def microseconds(work: Callable[[], Any], rounds: int = ROUNDS) -> float:
    """Return the median time of a call."""
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return statistics.median(times) * 1e6


def measure(database: Database, stored: Sequence[Action]) -> dict[str, float]:
    """Return microseconds per call."""
    random, numbers, known = Random(2), count(), stored[:: max(1, len(stored) // 1000)]

    def query(status: Status, limit: int) -> Query:
        return Query(frozenset({CREATOR}), frozenset({"creator_id"}), frozenset({status}), limit)

    def create() -> None:
        new = next(made_up(Random(next(numbers))))
        database.delete(database.create(new).action_id)

    few = ROUNDS // 10
    return {
        "get": microseconds(lambda: database.get(random.choice(known).action_id)),
        "find a request": microseconds(lambda: database.find(CREATOR, random.choice(known).request_id)),
        "create and delete": microseconds(create, few),
        "list 100 active": microseconds(lambda: database.list(query(Status.ACTIVE, 101), NOW), few),
        "list 100 succeeded": microseconds(lambda: database.list(query(Status.SUCCEEDED, 101), NOW), few),
        "list 1 failed (there is none)": microseconds(lambda: database.list(query(Status.FAILED, 1), NOW), few),
        "purge nothing": microseconds(lambda: database.purge(NOW - timedelta(days=1000), PURGED), few),
        "actions due": microseconds(lambda: database.due(NOW, PURGED), few),
    }


def purged_per_second(database: Database, most: int) -> float:
    """Purge up to `most` actions in batches, all of which have expired in a hundred days."""
    purged, begin = 0, time.perf_counter()
    while purged < most and (batch := len(database.purge(NOW + timedelta(days=100), PURGED))):
        purged += batch
    return purged / (time.perf_counter() - begin)


def stored_bytes(url: str) -> int:
    """Return how much room the database takes: on disk, or the memory of this process."""
    if url == "memory://":
        return int(psutil.Process().memory_info().rss)
    if url.startswith("sqlite"):
        path = str(make_url(url).database)
        return sum(Path(path + end).stat().st_size for end in ("", "-wal") if Path(path + end).exists())
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        found = connection.execute("SELECT pg_database_size(current_database())").fetchone()
        return int(found[0]) if found else 0


def main() -> None:
    check_wrk()
    most = int(sys.argv[1]) if len(sys.argv) > 1 else SIZES[-1]
    sizes = [size for size in SIZES if size <= most]
    calls, requests, sums = [], [], []
    with ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory())
        postgresql = stack.enter_context(running_postgresql()).create_database()
        over_http = growth.OverHttp(stack)
        for name, url in (
            ("PostgreSQL", postgresql),
            ("SQLite", f"sqlite:///{directory}/a.db"),
            ("memory", "memory://"),
        ):
            called, requested = [], []
            prepare_database(url, migrate=True)
            database, empty = open_database(url), stored_bytes(url)
            for known in growing(name, url, database, sizes):
                called.append(measure(database, known))
                requested.append(over_http.measure(url, len(known)))
            size = (stored_bytes(url) - empty) / sizes[-1]
            speed = purged_per_second(database, 20_000)
            database.close()
            calls += rows(name, called, ".0f")
            requests += rows(name, requested, ",.0f")
            sums.append(f"| {name} | {size:,.0f} | {speed:,.0f} |")
    heads = " | ".join(f"{size:,}" for size in sizes)
    parts = (
        f"Microseconds per call:\n\n{table(heads, calls)}",
        f"Requests per second over HTTP:\n\n{table(heads, requests)}",
        f"With {sizes[-1]:,} actions stored (memory: the whole process of the benchmark):\n",
        "| database | bytes per action | actions purged per second |\n|---|---:|---:|",
        *sums,
    )
    text = "\n".join(parts) + "\n"
    print(text)
    replace_section(DOCS / "benchmarks.md", "scale", text)


def growing(name: str, url: str, database: Database, sizes: Iterable[int]) -> Iterator[Sequence[Action]]:
    """Fill the database up to each of the sizes, and yield what is in it."""
    source, known = made_up(Random(1)), list[Action]()
    for size in sizes:
        while len(known) < size:
            more = list(islice(source, min(10_000, size - len(known))))
            store(url, database, more)
            known += more
            say(f"{name}: {len(known):,} stored")
        yield known
    say("")


def rows(name: str, by_size: Sequence[Mapping[str, float]], form: str) -> list[str]:
    """Return a row for each thing that was measured: its figure at each size, and the last to the first."""
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
