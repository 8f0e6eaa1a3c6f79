"""Does it matter how much is stored? Times reads and lists of each database at a thousand and at a million actions.

script/bench-scale [actions]: prints a table of microseconds, and how many times as long the full database takes.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from random import Random
from typing import Any

from globus_action_provider_tools import ActionStatusValue
from sqlalchemy import insert

from app.action import Action, Outcome
from app.database import Database, Query, open_database, prepare_database
from app.database.engine import transaction
from app.database.schema import actions, concerned
from app.database.sql import SqlDatabase, _concerned, _to_row

CREATOR = f"urn:globus:auth:identity:{uuid.UUID(int=1)}"
NOW = datetime.now(UTC)
FEW = 1000
ROUNDS = 2000


def made_up(random: Random) -> Iterator[Action]:
    """Actions of one creator, a second apart; all but the newest 600 are complete."""
    for number in count():
        start = NOW - timedelta(seconds=number)
        yield Action(
            action_id=str(uuid.UUID(int=random.getrandbits(128))),
            creator_id=CREATOR,
            request_id=str(uuid.UUID(int=random.getrandbits(128))),
            content=random.randbytes(16),
            label=None,
            monitor_by=(CREATOR,),
            manage_by=(CREATOR,),
            start_time=start,
            completion_time=start + timedelta(seconds=600),
            release_after=timedelta(days=30),
            outcome=Outcome(ActionStatusValue.SUCCEEDED, {"whattimeisit": start.isoformat()}),
            final=number > 600,
        )


def store(database: Database, stored: Sequence[Action]) -> None:
    """Store them; in bulk, where there is a way."""
    if isinstance(database, SqlDatabase):
        with database._engine.connect() as connection, transaction(connection):
            connection.execute(insert(actions), [_to_row(action) for action in stored])
            connection.execute(insert(concerned), [row for action in stored for row in _concerned(action)])
    else:
        for action in stored:
            database.create(action)


def microseconds(work: Callable[[], Any], rounds: int = ROUNDS) -> float:
    """The median time of a call."""
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return statistics.median(times) * 1e6


def measure(database: Database, known: Sequence[Action]) -> dict[str, float]:
    random, numbers = Random(2), count()

    def query(*statuses: str) -> Query:
        wanted = frozenset(ActionStatusValue[name] for name in statuses)
        return Query(frozenset({CREATOR}), frozenset({"creator_id"}), wanted, limit=101)

    def create() -> None:
        new = next(made_up(Random(next(numbers))))
        database.delete(database.create(new).action_id)

    return {
        "get": microseconds(lambda: database.get(random.choice(known).action_id, NOW)),
        "find a request": microseconds(lambda: database.find(CREATOR, random.choice(known).request_id, NOW)),
        "create and delete": microseconds(create, ROUNDS // 10),
        "list 100 active": microseconds(lambda: database.list(query("ACTIVE"), NOW), ROUNDS // 10),
        "list 100 succeeded": microseconds(lambda: database.list(query("SUCCEEDED"), NOW), ROUNDS // 10),
        "purge nothing": microseconds(lambda: database.purge(NOW, 500), ROUNDS // 10),
    }


def main() -> None:
    many = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    print(f"| database | what | µs at {FEW:,} | µs at {many:,} | ratio |\n|---|---|---:|---:|---:|")
    with ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory())
        urls = {"memory": "memory://", "SQLite": f"sqlite:///{directory}/actions.db"}
        try:
            from tests.postgresql import running_postgresql

            urls["PostgreSQL"] = stack.enter_context(running_postgresql()).create_database()
        except BaseException as skipped:  # pytest's own way to say so
            print(f"PostgreSQL is left out: {skipped}", file=sys.stderr)
        for name, url in urls.items():
            prepare_database(url, migrate=True)
            database = open_database(url)
            source, known = made_up(Random(1)), list[Action]()
            results = []
            for goal in (FEW, many):
                while len(known) < goal:
                    more = list(islice(source, min(10_000, goal - len(known))))
                    store(database, more)
                    known += more
                    print(f"\r{name}: {len(known):,} stored ", end="", file=sys.stderr, flush=True)
                results.append(measure(database, known[:: max(1, goal // FEW)]))
            print(file=sys.stderr)
            for what, few in results[0].items():
                print(
                    f"| {name} | {what} | {few:.0f} | {results[1][what]:.0f} | {results[1][what] / few:.2f} |",
                    flush=True,
                )
            database.close()


if __name__ == "__main__":
    main()
