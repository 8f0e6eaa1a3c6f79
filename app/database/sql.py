"""The SQL databases, SQLite and PostgreSQL: one code path for both, on connections kept open.

That a request starts one action, and that one of several changes wins, is the database's own work: by a unique
constraint, and by writes that name the version they replace.
"""

from __future__ import annotations

import functools
import hashlib
import heapq
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar

from sqlalchemy import URL
from sqlalchemy.engine import Dialect

from app.action.error import Unavailable
from app.action.record import CANCELLED, Action, Status
from app.action.store import Page, Query
from app.database import postgresql, sqlite, statements
from app.database.channel import SILENT, Channel
from app.database.engine import UnreachableError, check_schema, is_sqlite, open_engine, parse_url, prepare_file
from app.database.record import microseconds, optional_microseconds, to_action, to_text
from app.database.sqlite import LOCK_SECONDS
from app.database.statements import list_sql, prepared
from app.monitoring.metrics import Metrics

T = TypeVar("T")
log = logging.getLogger(__name__)

MONITOR, MANAGE = 1, 2
ROLE_VALUES = {"monitor_by": (MONITOR, MONITOR | MANAGE), "manage_by": (MANAGE, MONITOR | MANAGE)}

HEADS_AT_ONCE = 400
"""How many index ranges one statement reads: SQLite takes up to 500."""

ENDED_AT_ONCE = 1000
"""How many ended actions a list returns at most, for their end to be made final."""

RELEASED = "RELEASED"
"""The status column of released actions, which no list asks for."""

DECOY = "00000000-0000-4000-8000-000000000000"

Row = dict[str, Any]


class Session(Protocol):
    """A connection to a database, by its driver."""

    def rows(self, sql: str, values: Row) -> list[tuple[Any, ...]]: ...

    def count(self, sql: str, values: Row) -> int: ...

    def create(self, row: Row, principals: Sequence[tuple[str, int]]) -> bool: ...

    def update(self, row: Row, *, moves: bool) -> bool: ...

    def update_all(self, rows: Sequence[Row]) -> set[str]: ...

    def is_dead(self) -> bool: ...

    def close(self) -> None: ...


def open_sql_database(url: str, metrics: Metrics) -> SqlDatabase:
    """Open the database at `url`. A SQLite file is created, and brought up to date, as needed.

    :raises DatabaseError: its schema is not the one of this program.
    """
    try:
        prepare_sql_database(url, migrate=False)
    except UnreachableError as error:
        log.warning("%s Until it is back, requests are answered with 503.", error)
    return SqlDatabase(parse_url(url), metrics)


def prepare_sql_database(url: str, *, migrate: bool) -> None:
    """Check that the schema of the database at `url` is the one of this program; with `migrate`, migrate it first.

    A SQLite file is created and migrated in any case.

    :raises DatabaseError: its schema is another one, or it does not answer.
    """
    engine = open_engine(url)
    try:
        if is_sqlite(engine.url):
            prepare_file(engine.url)
        if migrate or is_sqlite(engine.url):
            from app.database.migrate import bring_up_to_date

            bring_up_to_date(engine)
        check_schema(engine)
    finally:
        engine.dispose()


class SqlDatabase:
    """Actions in a table, and the principals that monitor and manage each in another."""

    def __init__(self, url: URL, metrics: Metrics) -> None:
        self._metrics = metrics
        self._dialect: Dialect
        if is_sqlite(url):
            self._dialect = sqlite.DIALECT
            self._reading = Channel(lambda: sqlite.SqliteSession(url))
            # One writer at a time: waiting here is fair and quick, where SQLite's own busy handler sleeps ever longer.
            self._writing = Channel(lambda: sqlite.SqliteSession(url), 1, LOCK_SECONDS)
        else:
            self._dialect = postgresql.DIALECT
            self._reading = self._writing = Channel(lambda: postgresql.PostgresqlSession(url))
        self._get, self._find, self._delete, self._check, self._due, self._purge = (
            prepared(sql, self._dialect)
            for sql in (
                statements.GET,
                statements.FIND,
                statements.DELETE,
                statements.CHECK,
                statements.DUE,
                statements.PURGE,
            )
        )
        self._list_sql = functools.lru_cache(maxsize=1000)(self._prepared_list)

    def create(self, action: Action) -> Action:
        row, principals = to_row(action), principals_of(action)
        key = {"creator_id": action.creator_id, "request_digest": row["request_digest"]}

        def work(session: Session, _is_retry: bool) -> Action:
            if session.create(row, principals):
                return action
            found = session.rows(self._find, key)
            if not found:
                raise Unavailable("This request is being started and released over and over. Please try again.")
            stored = to_action(found[0][0])
            return action if stored.action_id == action.action_id else stored

        return self._call("create", work, writes=True)

    def get(self, action_id: str) -> Action | None:
        if "\0" in action_id:  # which PostgreSQL refuses
            return None

        def work(session: Session, _is_retry: bool) -> Action | None:
            found = session.rows(self._get, {"action_id": action_id})
            if found:
                return to_action(found[0][0])
            to_action(decoy_text())  # so that what does not exist takes as long as what the caller may not see
            return None

        return self._call("get", work)

    def find(self, creator_id: str, request_id: str) -> Action | None:
        key = {"creator_id": creator_id, "request_digest": digest(request_id)}
        found = self._call("find", lambda session, _: session.rows(self._find, key))
        return to_action(found[0][0]) if found else None

    def list(self, query: Query, now: datetime) -> Page:
        return self._call("list", lambda session, _: self._list(session, query, now))

    def replace(self, old: Action, new: Action) -> bool:
        before, row = to_row(old), to_row(new)
        row["old_version"] = old.version
        moves = (before["status"], before["ends"]) != (row["status"], row["ends"])

        def work(session: Session, is_retry: bool) -> bool:
            return session.update(row, moves=moves) or (is_retry and self._is_stored(session, row))

        return self._call("replace", work, writes=True)

    def replace_all(self, changes: Sequence[tuple[Action, Action]]) -> Sequence[bool]:
        rows = [to_row(new) | {"old_version": old.version} for old, new in changes]

        def work(session: Session, is_retry: bool) -> Sequence[bool]:
            changed = session.update_all(rows)
            return [row["action_id"] in changed or (is_retry and self._is_stored(session, row)) for row in rows]

        return self._call("replace", work, writes=True)

    def delete(self, action_id: str) -> bool:
        def work(session: Session, is_retry: bool) -> bool:
            if session.count(self._delete, {"action_id": action_id}):
                return True
            if is_retry:  # who has deleted it: this call, whose answer was lost, or another one?
                raise Unavailable(SILENT)
            return False

        return self._call("delete", work, writes=True)

    def purge(self, now: datetime, limit: int) -> Sequence[Action]:
        values = {"now": microseconds(now), "limit": limit}
        found = self._call("purge", lambda session, _: session.rows(self._purge, values), writes=True)
        return [to_action(text) for (text,) in found]

    def due(self, now: datetime, limit: int) -> Sequence[Action]:
        values = {"now": microseconds(now), "limit": limit}
        found = self._call("due", lambda session, _: session.rows(self._due, values))
        return [to_action(text) for (text,) in found]

    def check(self) -> None:
        self._call("check", lambda session, _: session.rows(self._check, {}))

    def close(self) -> None:
        self._reading.connections.drop()
        self._writing.connections.drop()

    def _call(self, name: str, work: Callable[[Session, bool], T], *, writes: bool = False) -> T:
        """Call the database, and time the call.

        :raises Unavailable: it does not answer.
        """
        begin, channel = time.monotonic(), self._writing if writes else self._reading
        try:
            return channel.call(work)
        finally:
            self._metrics.database(name, time.monotonic() - begin)

    def _is_stored(self, session: Session, row: Row) -> bool:
        """Return whether the record is stored as wanted: the answer to the write that stored it was lost."""
        found = session.rows(self._get, {"action_id": row["action_id"]})
        return bool(found) and found[0][0] == row["record"]

    def _list(self, session: Session, query: Query, now: datetime) -> Page:
        found: list[Action] = []
        after = query.after
        while len(found) < query.limit:
            rows = [row for batch in self._batches(query, after, now) for row in session.rows(*batch)]
            ended = [action for text, is_ended in rows if is_ended and not (action := to_action(text)).is_expired(now)]
            if ended:
                return Page((), list({action.action_id: action for action in ended}.values()))
            places = {action.place: action for text, _ in rows if (action := to_action(text))}
            newest = heapq.nlargest(query.limit, places)
            found += [places[at] for at in newest if not places[at].is_expired(now)]
            if len(newest) < query.limit:
                break
            after = newest[-1]
        return Page(found[: query.limit])

    def _batches(self, query: Query, after: tuple[datetime, str] | None, now: datetime) -> Iterator[tuple[str, Row]]:
        """Yield statements with their values that together list what the query asks for."""
        roles = tuple(sorted({value for role in query.roles for value in ROLE_VALUES.get(role, ())}))
        creator = "creator_id" in query.roles
        statuses = sorted(query.statuses)
        heads = (len(roles) + creator) * len(statuses)
        size = max(1, HEADS_AT_ONCE // max(heads, 1))
        principals = sorted(query.principals)
        values: Row = {"limit": query.limit, "ended_limit": ENDED_AT_ONCE, "now": microseconds(now)}
        values |= {f"status_{number}": status.value for number, status in enumerate(statuses)}
        if after is not None:
            values |= {"after_time": microseconds(after[0]), "after_id": after[1]}
        for begin in range(0, len(principals), size):
            batch = principals[begin : begin + size]
            sql = self._list_sql(len(batch), roles, len(statuses), creator, after is not None)
            yield sql, values | {f"principal_{number}": principal for number, principal in enumerate(batch)}

    def _prepared_list(
        self, principals: int, roles: tuple[int, ...], statuses: int, creator: bool, has_after: bool
    ) -> str:
        sql = list_sql(principals, roles, statuses, creator=creator, has_after=has_after)
        return prepared(sql, self._dialect)


def digest(request_id: str) -> bytes:
    return hashlib.sha256(request_id.encode()).digest()


def to_row(action: Action) -> Row:
    """Return the columns of an action's row."""
    progress = action.progress
    released = progress is not None and progress.released
    # A released action gives its request_id free. No request_id has a NUL.
    request_id = f"\0{action.action_id}" if released else action.request_id
    if released:
        status = RELEASED
    elif action.final and action.outcome is not None:
        status = action.outcome.status.value
    else:
        status = Status.INACTIVE.value if progress is not None and progress.inactive else Status.ACTIVE.value
    return {
        "action_id": action.action_id,
        "creator_id": action.creator_id,
        "request_digest": digest(request_id),
        "record": to_text(action),
        "version": action.version,
        "status": status,
        "start_time": microseconds(action.start_time),
        "ends": None if action.final else optional_microseconds(action.completion_time),
        "purge_time": optional_microseconds(action.purge_time),
        "due": optional_microseconds(action.due),
    }


def principals_of(action: Action) -> list[tuple[str, int]]:
    """Return each principal that monitors or manages the action, with its roles."""
    roles = dict.fromkeys(action.monitor_by, MONITOR)
    for principal in action.manage_by:
        roles[principal] = roles.get(principal, 0) | MANAGE
    return list(roles.items())


@functools.cache
def decoy_text() -> str:
    """Return the record of an action that does not exist."""
    someone = f"urn:globus:auth:identity:{DECOY}"
    time_ = datetime(2000, 1, 1, tzinfo=UTC)
    return to_text(
        Action(
            action_id=DECOY,
            creator_id=someone,
            request_id=DECOY,
            content=bytes(16),
            label=None,
            monitor_by=(someone,),
            manage_by=(someone,),
            start_time=time_,
            completion_time=time_,
            release_after=timedelta(0),
            outcome=CANCELLED,
        )
    )
