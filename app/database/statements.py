"""The SQL of the store: built from the table definitions and compiled once, then executed by the drivers.

Each operation is one statement on PostgreSQL. SQLite cannot change two tables in one statement: an operation that does
so is two statements there, in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    BigInteger,
    Dialect,
    FromClause,
    Integer,
    Select,
    Text,
    bindparam,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from app.database.command import Command, Commands, Sql
from app.database.listing import few_statement, list_statement
from app.database.parts import Parts, Type, cross, limited, number
from app.database.schema import action_principals, actions

_ROWS = action_principals.c
_CHANGING: dict[str, Type] = {
    "record": Text,
    "document": Text,
    "version": BigInteger,
    "purge_time": BigInteger,
    "due": BigInteger,
}
_MOVING: dict[str, Type] = {"status": Text, "ends": BigInteger, "expiry": BigInteger}
_ID = actions.c.action_id

Second = Callable[[Select[Any]], Any]


def compile_commands(dialect: Dialect) -> Commands:
    """Return all commands for a database.

    :param dialect: with positional parameters.
    """
    parts = Parts(dialect)
    found = select(actions.c.record)
    request = [actions.c[name] == bindparam(name) for name in ("creator_id", "request_digest")]
    due = found.where(actions.c.due <= bindparam("now")).order_by(actions.c.due)
    return Commands(
        create=_create(parts),
        get=_read(parts, found.where(bindparam("action_id") == _ID)),
        find=_read(parts, found.where(*request)),
        list=_read(parts, list_statement(parts)),
        list_few=_read(parts, few_statement()) if parts.is_sqlite else None,
        replace=_write(parts, _replaced(), _move),
        replace_record=_write(parts, _replaced()),
        release=_write(parts, _replaced(request_digest=bindparam("request_digest")), _drop_principals),
        replace_all=_replace_all(parts),
        delete=_write(parts, delete(actions).where(bindparam("id") == _ID).returning(_ID), _drop_principals),
        purge=_purge(parts),
        due=_read(parts, limited(due)),
        check=_read(parts, limited(select(number(1)).select_from(actions), 1)),
    )


def _sql(parts: Parts, statement: Any) -> Sql:
    compiled = statement.compile(dialect=parts.dialect)
    return Sql(str(compiled), tuple(compiled.positiontup or ()))


def _read(parts: Parts, statement: Any) -> Command:
    return Command(_sql(parts, statement), None, writes=False)


def _write(parts: Parts, first: Any, second: Second | None = None) -> Command:
    """Combine a write that returns the ids of actions with a write to the rows of their principals."""
    if second is None:
        return Command(_sql(parts, first), None, writes=True)
    if parts.is_sqlite:
        ids = select(parts.elements("action_ids").c.value)
        return Command(_sql(parts, first), _sql(parts, second(ids)), writes=True)
    changed = first.cte("changed")
    both = select(changed).add_cte(second(select(changed.c.action_id)).cte("moved"))
    return Command(_sql(parts, both), None, writes=True)


def _create(parts: Parts) -> Command:
    first: Any = (sqlite.insert if parts.is_sqlite else postgresql.insert)(actions)
    first = first.values({column.name: bindparam(column.name) for column in actions.c})
    rows = parts.rows("principals", {"principal": Text, "roles": Integer})

    def add_principals(ids: Select[Any]) -> Any:
        created = ids.subquery("created")
        same = ("status", "start_time", "ends", "expiry")
        values = [bindparam(name, type_=_ROWS[name].type) for name in same]
        source = select(next(iter(created.c)), rows.c.principal, rows.c.roles, *values).select_from(
            cross(created, rows)
        )
        return insert(action_principals).from_select(["action_id", "principal", "roles", *same], source)

    return _write(parts, first.on_conflict_do_nothing().returning(_ID), add_principals)


def _replaced(**more: Any) -> Any:
    """Update an action's row if it has the old version."""
    values = {name: bindparam(name) for name in _CHANGING} | more
    same = (bindparam("id") == _ID, actions.c.version == bindparam("old"))
    return update(actions).where(*same).values(values).returning(_ID)


def _move(ids: Select[Any]) -> Any:
    values: dict[str, Any] = {name: bindparam(name) for name in _MOVING}
    return update(action_principals).where(_ROWS.action_id.in_(ids)).values(values)


def _drop_principals(ids: Select[Any]) -> Any:
    return delete(action_principals).where(_ROWS.action_id.in_(ids))


def _replace_all(parts: Parts) -> Command:
    """Replace many records, in one write."""
    new = parts.rows("changes", {"action_id": Text, "old": BigInteger, **_CHANGING, **_MOVING})
    if parts.is_sqlite:

        def move(ids: Select[Any]) -> Any:
            return _moved(new).where(_ROWS.action_id.in_(ids))

        return _write(parts, _changed(new).returning(_ID), move)
    # Locked in one order, so that two such writes cannot wait for each other.
    locked = select(new).where(*_is_old(new)).order_by(_ID).with_for_update(of=actions).cte("locked")
    changed = _changed(locked).returning(_ID, *(locked.c[name] for name in _MOVING)).cte("changed")
    both = select(changed.c.action_id).add_cte(_moved(changed).cte("moved"))
    return Command(_sql(parts, both), None, writes=True)


def _is_old(new: FromClause) -> list[Any]:
    return [new.c.action_id == _ID, actions.c.version == new.c.old]


def _changed(new: FromClause) -> Any:
    return update(actions).where(*_is_old(new)).values({name: new.c[name] for name in _CHANGING})


def _moved(new: FromClause) -> Any:
    values: dict[str, Any] = {name: new.c[name] for name in _MOVING}
    return update(action_principals).where(_ROWS.action_id == new.c.action_id).values(values)


def _purge(parts: Parts) -> Command:
    expired = select(_ID).where(actions.c.purge_time <= bindparam("now")).order_by(actions.c.purge_time)
    dropped = delete(actions).where(_ID.in_(limited(expired).with_for_update(skip_locked=True)))
    return _write(parts, dropped.returning(_ID, actions.c.record), _drop_principals)
