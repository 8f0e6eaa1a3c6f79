"""Does it matter how much is stored? Times each database at a thousand and up to a million actions.

script/bench-scale [actions]: prints tables of microseconds and of requests a second, and puts them into
docs/benchmarks.md.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import count, islice
from random import Random
from typing import Any

from app.action.record import Action, Status
from app.action.store import Query
from app.database import Database, open_database, prepare_database
from benchmarks import growth
from benchmarks.load import DOCS, check_wrk, replace_section, say
from benchmarks.made_up import CREATOR, NOW, made_up, store
from tests.postgresql import running_postgresql

FEW = 1000
ROUNDS = 2000


def microseconds(work: Callable[[], Any], rounds: int = ROUNDS) -> float:
    """The median time of a call."""
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return statistics.median(times) * 1e6


def measure(database: Database, stored: Sequence[Action]) -> dict[str, float]:
    """Microseconds a call."""
    random, numbers, known = Random(2), count(), stored[:: max(1, len(stored) // FEW)]

    def query(*statuses: str) -> Query:
        wanted = frozenset(Status[name] for name in statuses)
        return Query(frozenset({CREATOR}), frozenset({"creator_id"}), wanted, limit=101)

    def create() -> None:
        new = next(made_up(Random(next(numbers))))
        database.delete(database.create(new).action_id)

    return {
        "get": microseconds(lambda: database.get(random.choice(known).action_id)),
        "find a request": microseconds(lambda: database.find(CREATOR, random.choice(known).request_id)),
        "create and delete": microseconds(create, ROUNDS // 10),
        "list 100 active": microseconds(lambda: database.list(query("ACTIVE"), NOW), ROUNDS // 10),
        "list 100 succeeded": microseconds(lambda: database.list(query("SUCCEEDED"), NOW), ROUNDS // 10),
        "purge nothing": microseconds(lambda: database.purge(NOW, 500), ROUNDS // 10),
    }


def main() -> None:
    check_wrk()
    many = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    sizes = (FEW, many // 10, many)
    calls, requests = [], []
    with ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory())
        postgresql = stack.enter_context(running_postgresql()).create_database()
        over_http = growth.OverHttp(stack)
        for name, url in (
            ("memory", "memory://"),
            ("SQLite", f"sqlite:///{directory}/a.db"),
            ("PostgreSQL", postgresql),
        ):
            called, requested = [], []
            for database, known in growing(name, url, sizes):
                called.append(measure(database, known))
                requested.append(over_http.measure(url, len(known)))
            calls += rows(name, called, ".0f")
            requests += rows(name, requested, ",.0f")
    heads = " | ".join(f"{size:,}" for size in sizes)
    text = f"Microseconds a call:\n\n{table(heads, calls)}\nRequests a second over HTTP:\n\n{table(heads, requests)}"
    print(text)
    replace_section(DOCS / "benchmarks.md", "scale", text)


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
