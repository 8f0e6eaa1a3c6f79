"""The SQL databases, SQLite and PostgreSQL: SQLAlchemy compiles the statements, the drivers execute them.

The database itself ensures that a request starts one action, with a unique constraint, and that one of several changes
wins, with writes that name the version they replace.
"""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Dialect, Engine

from app.action.error import Unavailable
from app.action.record import Action
from app.action.store import Page, Query
from app.database.command import Command, Rows
from app.database.connections import Connections, NoAnswer
from app.database.engine import UnreachableError, check_schema, is_sqlite, open_engine
from app.database.listed import is_released
from app.database.parameters import (
    DECOY,
    changing_columns,
    digest,
    digest_of_released,
    few_parameters,
    list_parameters,
    listed_columns,
    new_rows,
    to_json,
)
from app.database.record import from_epoch, since_epoch, to_action, to_text
from app.database.statements import compile_commands
from app.monitoring.metrics import Metrics

P = ParamSpec("P")
T = TypeVar("T")
log = logging.getLogger(__name__)

TRIES = 3
"""How many times a creation is tried if the request's action keeps coming and going."""


def open_sql_database(url: str, metrics: Metrics) -> SqlDatabase:
    """Return the database at `url`. A SQLite file is created and brought up to date as needed.

    :raises DatabaseError: its schema is not the one of this program.
    """
    try:
        engine = prepare_sql_database(url, migrate=False)
    except UnreachableError as error:
        log.warning("%s Until it is back, requests are answered with 503.", error)
        engine = open_engine(url)
    dialect, reading, writing = open_connections(engine)
    return SqlDatabase(dialect, reading, writing, metrics)


def prepare_sql_database(url: str, *, migrate: bool) -> Engine:
    """Return an engine for the database at `url`, after bringing its schema up to date if asked to.

    :raises DatabaseError: its schema is not the one of this program, or it does not answer.
    """
    engine = open_engine(url)
    if migrate or is_sqlite(engine.url):
        from app.database.migrate import bring_up_to_date

        bring_up_to_date(engine)
    check_schema(engine)
    return engine


def open_connections(engine: Engine) -> tuple[Dialect, Connections, Connections]:
    """Return the driver's dialect, and the connections for reading and for writing: SQLite has one writer at a time."""
    if is_sqlite(engine.url):
        from app.database import sqlite

        path = sqlite.file_of(engine.url)
        open_file = functools.partial(sqlite.SqliteConnection, path)
        return sqlite.DIALECT, Connections(open_file), Connections(open_file, size=1)
    from app.database import postgresql

    both = Connections(functools.partial(postgresql.PostgresqlConnection, postgresql.libpq_parameters(engine.url)))
    return postgresql.DIALECT, both, both


def timed(method: Callable[Concatenate[Any, P], T]) -> Callable[Concatenate[Any, P], T]:
    """Time a method of a SqlDatabase, and raise Unavailable if the database does not answer."""

    @functools.wraps(method)
    def call(self: SqlDatabase, /, *args: P.args, **kwargs: P.kwargs) -> T:
        begin = time.monotonic()
        try:
            return method(self, *args, **kwargs)
        except NoAnswer as error:
            raise unavailable() from error
        finally:
            self._metrics.database(method.__name__, time.monotonic() - begin)

    return call


class SqlDatabase:
    """Actions in a table, and the principals that each of them names in another."""

    def __init__(self, dialect: Dialect, reading: Connections, writing: Connections, metrics: Metrics) -> None:
        self._commands = compile_commands(dialect)
        self._reading = reading
        self._writing = writing
        self._metrics = metrics

    @timed
    def create(self, action: Action) -> Action:
        for _ in range(TRIES):
            if self._execute(self._commands.create, new_rows(action)):
                return action
            stored = self._find(action.creator_id, action.request_id)
            if stored is not None:  # with the same id, if an answer was lost
                return action if stored.action_id == action.action_id else stored
        raise Unavailable("This request is being started and released over and over. Please try again.")

    @timed
    def get(self, action_id: str) -> Action | None:
        if "\0" in action_id:  # PostgreSQL treats that as an error
            return None
        return _one(self._execute(self._commands.get, {"action_id": action_id}))

    @timed
    def find(self, creator_id: str, request_id: str) -> Action | None:
        return self._find(creator_id, request_id)

    @timed
    def list(self, query: Query, now: datetime) -> Page:
        command, values = self._commands.list_few, few_parameters(query, now)
        if command is None or values is None:
            command, values = self._commands.list, list_parameters(query, now)
        rows = self._execute(command, values)
        ended = [to_action(text) for has_ended, _, _, text in rows if has_ended]
        if ended:
            return Page(ended=ended)
        rows.sort(reverse=True)  # by place
        shown = rows[: query.limit]
        last = (from_epoch(shown[-1][1]), shown[-1][2]) if len(rows) > query.limit else None
        return Page([document for *_, document in shown], last)

    @timed
    def replace(self, old: Action, new: Action) -> bool:
        values = {"id": new.action_id, "old": old.version, **changing_columns(new)}
        commands = self._commands
        if is_released(new):
            command, values["request_digest"] = commands.release, digest_of_released(new.action_id)
        elif (index := listed_columns(new)) != listed_columns(old):
            command, values = commands.replace, values | index
        else:
            command = commands.replace_record
        rows, repeated = self._attempt(command, values)
        return bool(rows) or (repeated and self._is_stored(new))

    @timed
    def replace_all(self, changes: Sequence[tuple[Action, Action]]) -> Sequence[bool]:
        values = [
            {"action_id": new.action_id, "old": old.version, **changing_columns(new), **listed_columns(new)}
            for old, new in changes
        ]
        rows, repeated = self._attempt(self._commands.replace_all, {"changes": to_json(values)})
        replaced = {row[0] for row in rows}
        return [new.action_id in replaced or (repeated and self._is_stored(new)) for _, new in changes]

    @timed
    def delete(self, action_id: str) -> bool:
        rows, repeated = self._attempt(self._commands.delete, {"id": action_id})
        if repeated and not rows:  # deleted by the first try, whose answer was lost, or by another request
            raise unavailable()
        return bool(rows)

    @timed
    def purge(self, now: datetime, limit: int) -> Sequence[Action]:
        rows = self._execute(self._commands.purge, {"now": since_epoch(now), "limit": limit})
        return [to_action(record) for _, record in rows]

    @timed
    def due(self, now: datetime, limit: int) -> Sequence[Action]:
        rows = self._execute(self._commands.due, {"now": since_epoch(now), "limit": limit})
        return [to_action(*row) for row in rows]

    @timed
    def check(self) -> None:
        self._execute(self._commands.check, {})

    def close(self) -> None:
        self._reading.close()
        self._writing.close()

    def _find(self, creator_id: str, request_id: str) -> Action | None:
        known = {"creator_id": creator_id, "request_digest": digest(request_id)}
        return _one(self._execute(self._commands.find, known))

    def _is_stored(self, new: Action) -> bool:
        rows = self._execute(self._commands.get, {"action_id": new.action_id})
        return rows == [(to_text(new),)]

    def _execute(self, command: Command, values: dict[str, Any]) -> Rows:
        return self._attempt(command, values)[0]

    def _attempt(self, command: Command, values: dict[str, Any]) -> tuple[Rows, bool]:
        return (self._writing if command.writes else self._reading).execute(command, values)


def unavailable() -> Unavailable:
    return Unavailable("The database does not answer now. Please try again.")


def _one(rows: Rows) -> Action | None:
    """Return the action in the row, if there is one.

    If there is none, the same amount of work is done, so that the time does not reveal whether a hidden action exists.
    """
    if not rows:
        to_action(DECOY)
        return None
    return to_action(*rows[0])
