"""The SQL databases, SQLite and PostgreSQL, through SQLAlchemy: one code path for both.

That a request starts one action, and that one of several changes wins, is the database's own work: by a unique
constraint, and by writes that say which record they replace.
"""

from __future__ import annotations

import functools
import hashlib
import heapq
import logging
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby, islice
from typing import Any, Concatenate, ParamSpec, TypeVar

from globus_action_provider_tools import ActionStatusValue
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    Select,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal,
    not_,
    or_,
    select,
    tuple_,
    union_all,
    update,
)
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.action import Action
from app.database import ROLES, DatabaseError, Query, concerns, place, record
from app.database.engine import UnreachableError, check_schema, is_sqlite, open_engine, reason, transaction
from app.database.schema import Duration, Time, actions, concerned
from app.error import ServiceUnavailable
from app.metrics import Metrics

P = ParamSpec("P")
T = TypeVar("T")
log = logging.getLogger(__name__)

ROLE_BITS = {role: 1 << number for number, role in enumerate(ROLES)}

ENDED = (actions.c.status, actions.c.final)

FIXED = ("action_id", "creator_id", "request_digest")
"""What never changes of a row."""

# Built once: building a statement takes longer than asking it.
RECORD = select(actions.c.record, actions.c.final)
BY_ID = RECORD.where(actions.c.action_id == bindparam("action_id"), actions.c.expiry > bindparam("now"))
BY_REQUEST = RECORD.where(
    actions.c.creator_id == bindparam("creator_id"),
    actions.c.request_digest == bindparam("request_digest"),
    actions.c.expiry > bindparam("now"),
)

PRINCIPALS_AT_ONCE = 100
"""How many principals one statement asks about: SQLite takes up to 500 selects in one."""

AT_ONCE_SECONDS = 0.5
"""How soon it shows that a connection has died."""

TRIES = 3
"""How often a creation is tried that meets others which come and go."""


def open_sql_database(url: str, metrics: Metrics) -> SqlDatabase:
    """The database at `url`. A SQLite file is made, and brought up to date, as needed.

    :raises DatabaseError: its schema is not the one of this program.
    """
    try:
        engine = prepare_sql_database(url, migrate=False)
    except UnreachableError as error:
        log.warning("%s Until it is back, requests are answered with 503.", error)
        engine = open_engine(url)
    return SqlDatabase(engine, metrics)


def prepare_sql_database(url: str, *, migrate: bool) -> Engine:
    """The way to the database at `url`, whose schema is the one of this program, if need be by migration.

    :raises DatabaseError: its schema is another one, or it does not answer.
    """
    engine = open_engine(url)
    if migrate or is_sqlite(engine.url):
        from app.database.migrate import bring_up_to_date

        bring_up_to_date(engine)
    try:
        check_schema(engine)
    except DatabaseError:
        engine.dispose()
        raise
    return engine


def answering(method: Callable[Concatenate[Any, P], T]) -> Callable[Concatenate[Any, P], T]:
    """`method` of a SqlDatabase, timed, with the faults of a database told as such.

    Where a connection turns out to have died meanwhile, which shows at once, the pool drops all that it has, and the
    method is tried once more.
    """

    @functools.wraps(method)
    def call(self: SqlDatabase, /, *args: P.args, **kwargs: P.kwargs) -> T:
        begin = time.monotonic()
        try:
            try:
                return method(self, *args, **kwargs)
            except DBAPIError as error:
                if not error.connection_invalidated or time.monotonic() - begin > AT_ONCE_SECONDS:
                    raise
                return method(self, *args, **kwargs)
        except (IntegrityError, DataError):
            raise
        except (DBAPIError, PoolTimeout) as error:
            log.warning("The database does not answer: %s", reason(error))
            raise ServiceUnavailable("The database does not answer now. Please try again.") from error
        finally:
            self._metrics.database(method.__name__, time.monotonic() - begin)

    return call


class SqlDatabase:
    """Actions in a table, and who is concerned with which in another."""

    def __init__(self, engine: Engine, metrics: Metrics) -> None:
        self._engine = engine
        self._metrics = metrics

    @answering
    def create(self, action: Action) -> Action:
        row = _to_row(action)
        with self._engine.connect() as connection:
            for _ in range(TRIES):
                try:
                    with transaction(connection):
                        connection.execute(insert(actions), row)
                        connection.execute(insert(concerned), _concerned(action))
                except IntegrityError:
                    stored = self._find(connection, action.creator_id, action.request_id, action.start_time)
                    if stored is not None:
                        return action if stored.action_id == action.action_id else stored
                    same = (
                        actions.c.creator_id == action.creator_id,
                        actions.c.request_digest == row["request_digest"],
                    )
                    connection.execute(delete(actions).where(*same, actions.c.expiry <= action.start_time))
                else:
                    return action
        raise ServiceUnavailable("This request is being started and released all the time. Please try again.")

    @answering
    def get(self, action_id: str, now: datetime) -> Action | None:
        if "\0" in action_id:  # which PostgreSQL takes for an error
            return None
        with self._engine.connect() as connection:
            return self._one(connection, BY_ID, {"action_id": action_id}, now)

    @answering
    def find(self, creator_id: str, request_id: str, now: datetime) -> Action | None:
        with self._engine.connect() as connection:
            return self._find(connection, creator_id, request_id, now)

    @answering
    def list(self, query: Query, now: datetime) -> Sequence[Action]:
        found: list[Action] = []
        with self._engine.connect() as connection:
            since = now - _longest(connection) if query.only_active else None
            while len(found) < query.limit:
                places = _places(connection, query, since)
                if not places:
                    break
                among = actions.c.action_id.in_([action_id for _, action_id in places])
                fitting = self._all(connection, and_(among, _has_status(query.statuses, now)), now)
                found += sorted((action for action in fitting if concerns(query, action)), key=place, reverse=True)
                query = replace(query, after=places[-1])
        return found[: query.limit]

    @answering
    def replace(self, old: Action, new: Action) -> bool:
        before, after = _to_row(old), _to_row(new)
        is_old = and_(*(actions.c[name] == before[name] for name in ("action_id", "record", "final")))
        values = {name: after[name] for name in after if name not in FIXED}
        with self._engine.connect() as connection:
            return connection.execute(update(actions).where(is_old).values(values)).rowcount == 1

    @answering
    def delete(self, action_id: str) -> bool:
        with self._engine.connect() as connection:
            return connection.execute(delete(actions).where(actions.c.action_id == action_id)).rowcount == 1

    @answering
    def purge(self, now: datetime, limit: int) -> int:
        expired = select(actions.c.action_id).where(actions.c.expiry <= now).order_by(actions.c.expiry).limit(limit)
        with self._engine.connect() as connection:
            dropped = delete(actions).where(actions.c.action_id.in_(expired)).returning(*ENDED)
            return self._count(connection.execute(dropped).all())

    @answering
    def check(self) -> None:
        with self._engine.connect() as connection:
            connection.execute(select(actions.c.action_id).limit(1))

    def close(self) -> None:
        self._engine.dispose()

    def _find(self, connection: Connection, creator_id: str, request_id: str, now: datetime) -> Action | None:
        known = {"creator_id": creator_id, "request_digest": _digest(request_id)}
        return self._one(connection, BY_REQUEST, known, now)

    def _one(
        self, connection: Connection, statement: Select[Any], known: dict[str, Any], now: datetime
    ) -> Action | None:
        """The action that a statement finds by what is known of it, as `_all` would tell it."""
        row = connection.execute(statement, {**known, "now": now}).one_or_none()
        if row is None:
            return None
        action = _to_action(row)
        if action.final or not action.is_complete(now):
            return action
        found = self._all(connection, actions.c.action_id == action.action_id, now)
        return found[0] if found else None

    def _all(self, connection: Connection, wanted: ColumnElement[bool], now: datetime) -> Sequence[Action]:
        """The actions that are wanted and have not expired. Those that are complete become final before that."""
        statement = RECORD.where(wanted, actions.c.expiry > now)
        found = [_to_action(row) for row in connection.execute(statement)]
        if any(action.is_complete(now) and not action.final for action in found):
            ended = and_(wanted, not_(actions.c.final), actions.c.completion_time <= now)
            # As they were: the database tells them only to whoever made them final.
            made_final = update(actions).where(ended).values(final=True).returning(actions.c.status, literal(False))
            self._count(connection.execute(made_final).all())
            found = [_to_action(row) for row in connection.execute(statement)]
        return found

    def _count(self, ended: Sequence[Row[str, bool]]) -> int:
        """Count those of the complete actions that nobody has seen complete before; how many there are in all."""
        for status, was_final in ended:
            if not was_final:
                self._metrics.ended(ActionStatusValue(status))
        return len(ended)


def _batches(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (items[begin : begin + size] for begin in range(0, len(items), size))


def _longest(connection: Connection) -> timedelta:
    """The longest that any action takes."""
    longest: timedelta | None = connection.execute(select(func.max(actions.c.duration, type_=Duration))).scalar_one()
    return longest or timedelta(0)


def _has_status(statuses: Collection[ActionStatusValue], now: datetime) -> ColumnElement[bool]:
    """That an action has one of these statuses at `now`."""
    complete = or_(actions.c.final, actions.c.completion_time <= now)
    ended = and_(complete, actions.c.status.in_([status.value for status in statuses]))
    return or_(ended, not_(complete)) if ActionStatusValue.ACTIVE in statuses else ended


def _places(connection: Connection, query: Query, since: datetime | None) -> list[tuple[datetime, str]]:
    """Where the next actions of these principals stand: for each of them, a look at the head of its own list."""
    conditions = [concerned.c.roles.op("&")(sum(ROLE_BITS[role] for role in query.roles)) != 0]
    if since is not None:
        conditions.append(concerned.c.start_time >= since)
    if query.after is not None:
        after = tuple_(literal(query.after[0], Time), literal(query.after[1]))
        conditions.append(tuple_(concerned.c.start_time, concerned.c.action_id) < after)
    lists = []
    for principals in _batches(sorted(query.principals), PRINCIPALS_AT_ONCE):
        heads = [
            select(concerned.c.start_time, concerned.c.action_id)
            .where(concerned.c.principal == principal, *conditions)
            .order_by(concerned.c.start_time.desc(), concerned.c.action_id.desc())
            .limit(query.limit)
            .subquery()
            for principal in principals
        ]
        every = union_all(*(select(head) for head in heads)).subquery()
        rows = connection.execute(select(every).order_by(every.c.start_time.desc(), every.c.action_id.desc()))
        lists.append([(row.start_time, row.action_id) for row in rows])
    return list(islice((each for each, _ in groupby(heapq.merge(*lists, reverse=True))), query.limit))


def _digest(request_id: str) -> bytes:
    return hashlib.sha256(request_id.encode()).digest()


def _to_row(action: Action) -> dict[str, Any]:
    return {
        "action_id": action.action_id,
        "creator_id": action.creator_id,
        "request_digest": _digest(action.request_id),
        "record": record.to_text(action),
        "final": action.final,
        "status": action.outcome.status.value,
        "completion_time": action.completion_time,
        "expiry": action.expiry,
        "duration": action.completion_time - action.start_time,
    }


def _to_action(row: Row[Any, Any]) -> Action:
    return record.to_action(row.record, final=row.final)


def _concerned(action: Action) -> list[dict[str, Any]]:
    """A row for each principal that the action names, with its roles."""
    roles: dict[str, int] = {}
    for role, principals in zip(ROLES, ((action.creator_id,), action.monitor_by, action.manage_by), strict=True):
        for principal in principals:
            roles[principal] = roles.get(principal, 0) | ROLE_BITS[role]
    return [
        {"principal": principal, "start_time": action.start_time, "action_id": action.action_id, "roles": bits}
        for principal, bits in roles.items()
    ]
