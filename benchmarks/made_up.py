"""Makes up actions of one creator, and fills databases with them."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any

import psycopg
from sqlalchemy import make_url

from app.action.record import Action, Outcome, Status
from app.database import Database
from app.database.listed import roles_of
from app.database.parameters import new_rows
from app.database.schema import action_principals, actions

CREATOR = f"urn:globus:auth:identity:{uuid.UUID(int=1)}"
NOW = datetime.now(UTC)

_ACTIONS = tuple(column.name for column in actions.c)
_PRINCIPALS = tuple(column.name for column in action_principals.c)


def made_up(random: Random) -> Iterator[Action]:
    """Yield actions of one creator, a second apart; all but the newest 600 are complete, and these take a day more."""
    for number in count():
        start, is_complete = NOW - timedelta(seconds=number), number >= 600
        yield Action(
            action_id=str(uuid.UUID(int=random.getrandbits(128))),
            creator_id=CREATOR,
            request_id=str(uuid.UUID(int=random.getrandbits(128))),
            content=random.randbytes(16),
            label=None,
            monitor_by=(CREATOR,),
            manage_by=(CREATOR,),
            start_time=start,
            completion_time=start + timedelta(seconds=600) if is_complete else NOW + timedelta(days=1),
            release_after=timedelta(days=30),
            outcome=Outcome(Status.SUCCEEDED, {"whattimeisit": start.isoformat()}),
            final=is_complete,
        )


def store(url: str, database: Database, stored: Sequence[Action]) -> None:
    """Store actions: in bulk, if the database can."""
    if url == "memory://":
        for action in stored:
            database.create(action)
        return
    new = [(action, new_rows(action)) for action in stored]
    rows = [[row[name] for name in _ACTIONS] for _, row in new]
    named = [
        [{**row, "principal": principal, "roles": roles}[name] for name in _PRINCIPALS]
        for action, row in new
        for principal, roles in roles_of(action).items()
    ]
    tables = (("actions", _ACTIONS, rows), ("action_principals", _PRINCIPALS, named))
    (_copy_to_sqlite if url.startswith("sqlite") else _copy_to_postgresql)(url, tables)


Tables = Iterable[tuple[str, Sequence[str], list[list[Any]]]]


def _copy_to_sqlite(url: str, tables: Tables) -> None:
    connection = sqlite3.connect(str(make_url(url).database))
    for table, names, rows in tables:
        marks = ", ".join("?" * len(names))
        connection.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", rows)
    connection.commit()
    connection.close()


def _copy_to_postgresql(url: str, tables: Tables) -> None:
    with psycopg.connect(url.replace("+psycopg", "")) as connection, connection.cursor() as cursor:
        for table, names, rows in tables:
            with cursor.copy(f"COPY {table} ({', '.join(names)}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
