"""The statement of `list`: a page, and the actions that have ended without being final, which come first.

Its rows have a flag, the action's place, and a text: 0 and the public document, or 1 and the record of an ended action.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    FromClause,
    Integer,
    Select,
    Text,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    tuple_,
    union_all,
)

from app.database.listed import ENDED_AT_ONCE, FEW
from app.database.parts import Parts, cross, limited, number
from app.database.schema import action_principals, actions

_ROWS = action_principals.c


def list_statement(parts: Parts) -> Any:
    """Return the statement for any number of principals, roles, and statuses.

    Each combination of principal, roles, and status has its own part of an index, of which only the newest rows are
    read: no number of other actions, of whatever status, makes a list slower.
    """
    principals, statuses = parts.elements("principals"), parts.elements("statuses")
    roles = parts.elements("roles", Integer)
    places = _newest(parts, principals, roles, statuses)
    ended = _ended(parts, principals, roles)
    return union_all(_documents(places), _records(ended))


def few_statement() -> Any:
    """Return the same statement for SQLite and up to FEW combinations, each with its own parameters: twice as fast.

    Unused combinations are NULL, which costs nothing.
    """
    heads, ends = [], []
    for slot in range(FEW):
        key: list[Any] = [bindparam(f"{name}_{slot}") for name in ("principal", "roles", "status")]
        principal, roles, status = key
        heads.append(select(_head().where(*_is(principal, roles), _ROWS.status == status).subquery()))
        ends.append(_unsettled().where(*_is(principal, roles)))
    every = union_all(*heads).subquery("every")
    newest = select(every.c.start_time, every.c.action_id).distinct()
    places = limited(newest.order_by(every.c.start_time.desc(), every.c.action_id.desc())).cte("places")
    all_ends = union_all(*ends).subquery("all_ends")
    ended = limited(select(all_ends.c.action_id).distinct(), ENDED_AT_ONCE).cte("ended")
    return union_all(_documents(places), _records(ended))


def _is(principal: Any, roles: Any) -> list[Any]:
    return [_ROWS.principal == principal, _ROWS.roles == roles]


def _head() -> Select[Any]:
    """Select the places of the newest actions."""
    before = bindparam("before_time", type_=BigInteger), bindparam("before_id", type_=Text)
    newest = select(_ROWS.start_time, _ROWS.action_id).order_by(_ROWS.start_time.desc(), _ROWS.action_id.desc())
    is_before = tuple_(_ROWS.start_time, _ROWS.action_id) < tuple_(*before)
    return limited(newest.where(is_before, _ROWS.expiry > bindparam("now")))


def _unsettled() -> Select[Any]:
    """Select the ids of actions that have ended without being final."""
    return select(_ROWS.action_id).where(_ROWS.ends <= bindparam("now"), _ROWS.expiry > bindparam("now"))


def _documents(places: FromClause) -> Select[Any]:
    columns = select(number(0), places.c.start_time, places.c.action_id, actions.c.document)
    return columns.select_from(cross(places, actions)).where(actions.c.action_id == places.c.action_id)


def _records(ended: FromClause) -> Select[Any]:
    columns = select(number(1), number(0), ended.c.action_id, actions.c.record)
    return columns.select_from(cross(ended, actions)).where(actions.c.action_id == ended.c.action_id)


def _newest(parts: Parts, principals: FromClause, roles: FromClause, statuses: FromClause) -> FromClause:
    """Return the newest actions, from the newest of each part of the index."""
    part = _head().where(*_is(principals.c.value, roles.c.value), _ROWS.status == statuses.c.value)
    part = part.correlate(principals, roles, statuses)
    if not parts.is_sqlite:
        each: FromClause = part.lateral("part")
        newest = select(each.c.start_time, each.c.action_id).distinct()
        newest = newest.select_from(cross(principals, roles, statuses, each))
        return limited(newest.order_by(each.c.start_time.desc(), each.c.action_id.desc())).cte("places")
    # SQLite has no LATERAL, but a table-valued function can read a subquery that refers to the tables before it.
    text = func.printf(literal_column("'%020d%s'"), _ROWS.start_time, _ROWS.action_id).label("place")
    inner = part.with_only_columns(text).subquery("part")
    array = select(func.json_group_array(inner.c.place)).scalar_subquery()
    each = func.json_each(array).table_valued("value", name="each_place")
    time = cast(func.substr(each.c.value, number(1), number(20)), BigInteger).label("start_time")
    newest = select(time, func.substr(each.c.value, number(21)).label("action_id"))
    newest = newest.select_from(cross(principals, roles, statuses, each)).group_by(each.c.value)
    return limited(newest.order_by(each.c.value.desc())).cte("places")


def _ended(parts: Parts, principals: FromClause, roles: FromClause) -> FromClause:
    """Return actions that have ended without being final, whatever their status will be."""
    part = _unsettled().where(*_is(principals.c.value, roles.c.value))
    if parts.is_sqlite:
        ids = part.select_from(cross(principals, roles, action_principals))
    else:  # with its own limit, which keeps PostgreSQL from planning another order of the tables
        each = limited(part.correlate(principals, roles), ENDED_AT_ONCE).lateral("ended_part")
        ids = select(each.c.action_id).select_from(cross(principals, roles, each))
    return limited(ids.distinct(), ENDED_AT_ONCE).cte("ended")
