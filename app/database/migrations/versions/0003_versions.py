"""The version of a record, times to look after actions by, and the principals' own rows with what a list asks for.

Until their end is final, rows in action_principals are ACTIVE. Here, no action has a release hook, so that all may be
purged when they expire.
"""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

ROWS_AT_ONCE = 1000

_actions = sa.table("actions", *(sa.column(name) for name in ("action_id", "record", "final")))
_FILL = """
INSERT INTO action_principals (action_id, principal, roles, status, start_time, ends, expiry)
SELECT actions.action_id, principal, roles, CASE WHEN final THEN status ELSE 'ACTIVE' END, start_time,
       CASE WHEN final THEN NULL ELSE completion_time END, expiry
FROM concerned JOIN actions ON actions.action_id = concerned.action_id
"""


def upgrade() -> None:
    op.create_table(
        "action_principals",
        sa.Column("action_id", sa.Text, nullable=False),
        sa.Column("principal", sa.Text, nullable=False),
        sa.Column("roles", sa.Integer, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("start_time", sa.BigInteger, nullable=False),
        sa.Column("ends", sa.BigInteger),
        sa.Column("expiry", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("action_id", "principal", name="pk_action_principals"),
        sqlite_with_rowid=False,
    )
    op.execute(_FILL)
    order = ["principal", "roles", "status", "start_time", "action_id", "expiry"]
    op.create_index("ix_action_principals_list", "action_principals", order)
    _create_partial_index("ix_action_principals_ends", "action_principals", ["principal", "roles", "ends"], "ends")
    op.drop_table("concerned")
    _convert_records()
    op.add_column("actions", sa.Column("version", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("actions", sa.Column("purge_time", sa.BigInteger))
    op.add_column("actions", sa.Column("due", sa.BigInteger))
    op.execute("UPDATE actions SET purge_time = expiry")
    for name in ("ix_actions_expiry", "ix_actions_duration"):
        op.drop_index(name, "actions")
    for name in ("final", "status", "completion_time", "expiry", "duration"):
        op.drop_column("actions", name)
    op.create_index("ix_actions_purge_time", "actions", ["purge_time"])
    _create_partial_index("ix_actions_due", "actions", ["due"], "due")


def _create_partial_index(name: str, table: str, columns: list[str], set_column: str) -> None:
    condition = sa.text(f"{set_column} IS NOT NULL")
    op.create_index(name, table, columns, postgresql_where=condition, sqlite_where=condition)


def _convert_records() -> None:
    """Write each record in its new form."""
    connection = op.get_bind()
    columns = _actions.c
    batch = sa.select(_actions).where(columns.action_id > sa.bindparam("last"))
    batch = batch.order_by(columns.action_id).limit(ROWS_AT_ONCE)
    fill = sa.update(_actions).where(columns.action_id == sa.bindparam("id")).values(record=sa.bindparam("text"))
    last = ""
    while rows := connection.execute(batch, {"last": last}).all():
        connection.execute(fill, [{"id": row.action_id, "text": _converted(row)} for row in rows])
        last = rows[-1].action_id


def _converted(row: sa.Row[Any]) -> str:
    old = orjson.loads(row.record)
    record = {
        "action_id": old["action_id"],
        "creator_id": old["creator_id"],
        "request_id": old["request_id"],
        "content": base64.b64encode(bytes.fromhex(old["content"])).decode(),
        "label": old["label"],
        "monitor_by": old["monitor_by"],
        "manage_by": old["manage_by"],
        "start_time": _time(old["start_time"]),
        "completion_time": _time(old["completion_time"]),
        "release_after": _duration(old["release_after"]),
        "outcome": {"status": old["status"], "details": old["details"]},
        "final": bool(row.final),
        "estimate": None,
        "progress": None,
        "version": 0,
    }
    return orjson.dumps(record).decode()


def _time(microseconds: int) -> str:
    time = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    return time.isoformat().replace("+00:00", "Z")


def _duration(microseconds: int) -> str:
    seconds, fraction = divmod(microseconds, 1_000_000)
    days, seconds = divmod(seconds, 86400)
    return f"P{days}DT{seconds}.{fraction:06}S"
