"""The SQL of the databases, in one form with named parameters. It is prepared once for each driver.

PostgreSQL changes two tables in one statement; SQLite, which cannot, in one transaction.
"""

from __future__ import annotations

import functools

from sqlalchemy import text
from sqlalchemy.engine import Dialect

GET = "SELECT record FROM actions WHERE action_id = :action_id"

FIND = "SELECT record FROM actions WHERE creator_id = :creator_id AND request_digest = :request_digest"

DELETE = "DELETE FROM actions WHERE action_id = :action_id"

CHECK = "SELECT (SELECT action_id FROM actions LIMIT 1), (SELECT action_id FROM action_principals LIMIT 1)"

DUE = "SELECT record FROM actions WHERE due <= :now ORDER BY due LIMIT :limit"

PURGE = """
DELETE FROM actions
WHERE action_id IN (SELECT action_id FROM actions WHERE purge_time <= :now ORDER BY purge_time LIMIT :limit)
RETURNING record
"""

_INSERT = """
INSERT INTO actions (
    action_id, creator_id, request_digest, record, version, status, start_time, ends, purge_time, due
) VALUES (
    :action_id, :creator_id, :request_digest, :record, :version, :status, :start_time, :ends, :purge_time, :due
) ON CONFLICT DO NOTHING
"""

CREATE_SQLITE = (
    _INSERT,
    "INSERT INTO action_principals (action_id, principal, roles, status, start_time, ends)"
    " SELECT :action_id, json_extract(value, '$[0]'), json_extract(value, '$[1]'), :status, :start_time, :ends"
    " FROM json_each(:principals)",
)

CREATE_POSTGRESQL = f"""
WITH stored AS ({_INSERT} RETURNING action_id, status, start_time, ends),
named AS (
    INSERT INTO action_principals (action_id, principal, roles, status, start_time, ends)
    SELECT stored.action_id, entry ->> 0, CAST(entry ->> 1 AS integer), stored.status, stored.start_time, stored.ends
    FROM stored, json_array_elements(CAST(:principals AS json)) AS entry
)
SELECT count(*) FROM stored
"""

UPDATE = """
UPDATE actions SET
    request_digest = :request_digest, record = :record, version = :version, status = :status, ends = :ends,
    purge_time = :purge_time, due = :due
WHERE action_id = :action_id AND version = :old_version
"""

MOVE = "UPDATE action_principals SET status = :status, ends = :ends WHERE action_id = :action_id"

UPDATE_AND_MOVE_POSTGRESQL = f"""
WITH changed AS ({UPDATE} RETURNING action_id, status, ends),
moved AS (
    UPDATE action_principals SET status = changed.status, ends = changed.ends
    FROM changed WHERE action_principals.action_id = changed.action_id
)
SELECT count(*) FROM changed
"""

UPDATE_ALL_POSTGRESQL = """
WITH wanted AS (
    SELECT * FROM json_to_recordset(CAST(:changes AS json)) AS wanted(
        action_id text, old_version bigint, record text, version bigint, status text, ends bigint, purge_time bigint,
        due bigint
    )
),
locked AS (
    SELECT actions.action_id FROM actions JOIN wanted ON wanted.action_id = actions.action_id
    ORDER BY actions.action_id FOR UPDATE OF actions
),
changed AS (
    UPDATE actions SET
        record = wanted.record, version = wanted.version, status = wanted.status, ends = wanted.ends,
        purge_time = wanted.purge_time, due = wanted.due
    FROM wanted JOIN locked ON locked.action_id = wanted.action_id
    WHERE actions.action_id = wanted.action_id AND actions.version = wanted.old_version
    RETURNING actions.action_id, actions.status, actions.ends
),
moved AS (
    UPDATE action_principals SET status = changed.status, ends = changed.ends
    FROM changed WHERE action_principals.action_id = changed.action_id
)
SELECT action_id FROM changed
"""

_HEAD = """
SELECT * FROM (
    SELECT start_time, action_id FROM {table}
    WHERE {key} AND status = :status_{status}{after}
    ORDER BY start_time DESC, action_id DESC LIMIT :limit
) AS head_{number}
"""

_AFTER = " AND (start_time, action_id) < (:after_time, :after_id)"

_ENDED = """
SELECT * FROM (
    SELECT start_time, action_id FROM {table} WHERE {key} AND ends <= :now ORDER BY ends DESC LIMIT :ended_limit
) AS ended_{number}
"""

_LIST = """
SELECT actions.record, 0 FROM (
    SELECT DISTINCT start_time, action_id FROM ({heads}) AS heads ORDER BY start_time DESC, action_id DESC LIMIT :limit
) AS places JOIN actions ON actions.action_id = places.action_id
UNION ALL
SELECT actions.record, 1 FROM (SELECT DISTINCT action_id FROM ({ended}) AS heads) AS places
JOIN actions ON actions.action_id = places.action_id
"""


def prepared(sql: str, dialect: Dialect) -> str:
    """Return the statement in the form that the driver of `dialect` takes."""
    return str(text(sql).compile(dialect=dialect))


@functools.lru_cache(maxsize=1000)
def list_sql(principals: int, roles: tuple[int, ...], statuses: int, *, creator: bool, has_after: bool) -> str:
    """Return the statement that lists actions (0), and those that have ended though their end is not final (1).

    Each principal's list has its own index range, so that the newest actions of all are found without reading others.

    :param principals: how many principals there are: parameters `principal_0` and on.
    :param roles: the values of `roles` in action_principals that count.
    :param statuses: how many statuses there are: parameters `status_0` and on.
    :param creator: whether actions count that a principal has created.
    """
    keys = []
    for number in range(principals):
        if creator:
            keys.append(("actions", f"creator_id = :principal_{number}"))
        keys += [("action_principals", f"principal = :principal_{number} AND roles = {value}") for value in roles]
    heads = [
        _HEAD.format(
            table=table, key=key, status=status, after=_AFTER if has_after else "", number=f"{number}_{status}"
        )
        for number, (table, key) in enumerate(keys)
        for status in range(statuses)
    ]
    ended = [_ENDED.format(table=table, key=key, number=number) for number, (table, key) in enumerate(keys)]
    return _LIST.format(heads=" UNION ALL ".join(heads), ended=" UNION ALL ".join(ended))
