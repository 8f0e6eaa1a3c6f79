"""Actions whose work continues elsewhere: versions, due times, and lists by status."""

from typing import Any

import orjson
import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

ROWS_AT_ONCE = 1000

_old = sa.table(
    "actions",
    *(sa.column(name) for name in ("action_id", "creator_id", "request_digest", "record", "final", "expiry")),
)
_OPEN: dict[str, Any] = {"postgresql_where": sa.text("ends IS NOT NULL"), "sqlite_where": sa.text("ends IS NOT NULL")}
_DUE: dict[str, Any] = {"postgresql_where": sa.text("due IS NOT NULL"), "sqlite_where": sa.text("due IS NOT NULL")}


def upgrade() -> None:
    connection = op.get_bind()
    for index in ("ix_actions_expiry", "ix_actions_duration"):
        op.drop_index(index, "actions")
    op.drop_table("concerned")
    op.rename_table("actions", "old_actions")
    if connection.dialect.name == "postgresql":  # where names of constraints are the schema's
        op.execute("ALTER TABLE old_actions RENAME CONSTRAINT pk_actions TO pk_old_actions")
        op.execute("ALTER TABLE old_actions RENAME CONSTRAINT uq_actions_creator_id TO uq_old_actions_creator_id")
    actions, principals = _create_tables()
    _convert(connection, actions, principals)
    op.drop_table("old_actions")
    op.create_index("ix_actions_list", "actions", ["creator_id", "status", "start_time", "action_id"])
    op.create_index("ix_actions_ends", "actions", ["creator_id", "ends"], **_OPEN)
    op.create_index("ix_actions_purge_time", "actions", ["purge_time"])
    op.create_index("ix_actions_due", "actions", ["due"], **_DUE)
    columns = ["principal", "roles", "status", "start_time", "action_id"]
    op.create_index("ix_action_principals_list", "action_principals", columns)
    op.create_index("ix_action_principals_ends", "action_principals", ["principal", "ends"], **_OPEN)


def _create_tables() -> tuple[sa.Table, sa.Table]:
    actions = op.create_table(
        "actions",
        sa.Column("action_id", sa.Text, nullable=False),
        sa.Column("creator_id", sa.Text, nullable=False),
        sa.Column("request_digest", sa.LargeBinary, nullable=False),
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("start_time", sa.BigInteger, nullable=False),
        sa.Column("ends", sa.BigInteger),
        sa.Column("purge_time", sa.BigInteger),
        sa.Column("due", sa.BigInteger),
        sa.PrimaryKeyConstraint("action_id", name="pk_actions"),
        sa.UniqueConstraint("creator_id", "request_digest", name="uq_actions_creator_id"),
    )
    principals = op.create_table(
        "action_principals",
        sa.Column("action_id", sa.Text, nullable=False),
        sa.Column("principal", sa.Text, nullable=False),
        sa.Column("roles", sa.Integer, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("start_time", sa.BigInteger, nullable=False),
        sa.Column("ends", sa.BigInteger),
        sa.PrimaryKeyConstraint("action_id", "principal", name="pk_action_principals"),
        sa.ForeignKeyConstraint(
            ["action_id"], ["actions.action_id"], name="fk_action_principals_action_id", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )
    return actions, principals


def _convert(connection: sa.Connection, actions: sa.Table, principals: sa.Table) -> None:
    old = sa.table("old_actions", *(sa.column(column.name) for column in _old.columns))
    batch = sa.select(old).where(old.c.action_id > sa.bindparam("last")).order_by(old.c.action_id).limit(ROWS_AT_ONCE)
    last = ""
    while rows := connection.execute(batch, {"last": last}).all():
        converted = [_converted(row) for row in rows]
        connection.execute(sa.insert(actions), [row for row, _ in converted])
        named = [entry for _, entries in converted for entry in entries]
        if named:
            connection.execute(sa.insert(principals), named)
        last = rows[-1].action_id


def _converted(row: sa.Row[Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    final = bool(row.final)
    record = orjson.loads(row.record) | {"final": final, "version": 0}
    shared = {
        "action_id": row.action_id,
        "status": record["status"] if final else "ACTIVE",
        "start_time": record["start_time"],
        "ends": None if final else record["completion_time"],
    }
    roles = dict.fromkeys(record["monitor_by"], 1)
    for principal in record["manage_by"]:
        roles[principal] = roles.get(principal, 0) | 2
    action = {
        **shared,
        "creator_id": row.creator_id,
        "request_digest": row.request_digest,
        "record": orjson.dumps(record).decode(),
        "version": 0,
        "purge_time": row.expiry,
        "due": None,
    }
    return action, [{**shared, "principal": principal, "roles": bits} for principal, bits in roles.items()]
