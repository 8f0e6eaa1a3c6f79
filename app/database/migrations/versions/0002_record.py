"""An action's record as one text, in place of a column for each of its parts."""

from typing import Any

import orjson
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

ROWS_AT_ONCE = 1000

_PARTS = ("request_id", "content", "label", "monitor_by", "manage_by", "start_time", "release_after", "details")

_old = sa.table(
    "actions",
    *(sa.column(name) for name in ("action_id", "creator_id", "completion_time", "status", "record", *_PARTS)),
)


def upgrade() -> None:
    op.add_column("actions", sa.Column("record", sa.Text, nullable=False, server_default=""))
    connection = op.get_bind()
    batch = (
        sa.select(_old).where(_old.c.action_id > sa.bindparam("last")).order_by(_old.c.action_id).limit(ROWS_AT_ONCE)
    )
    fill = sa.update(_old).where(_old.c.action_id == sa.bindparam("id")).values(record=sa.bindparam("text"))
    last = ""
    while rows := connection.execute(batch, {"last": last}).all():
        connection.execute(fill, [{"id": row.action_id, "text": _record(row)} for row in rows])
        last = rows[-1].action_id
    for name in _PARTS:
        op.drop_column("actions", name)


def _record(row: sa.Row[Any]) -> str:
    record = {
        "action_id": row.action_id,
        "creator_id": row.creator_id,
        "request_id": row.request_id,
        "content": row.content.hex(),
        "label": row.label,
        "monitor_by": orjson.loads(row.monitor_by),
        "manage_by": orjson.loads(row.manage_by),
        "start_time": row.start_time,
        "completion_time": row.completion_time,
        "release_after": row.release_after,
        "status": row.status,
        "details": orjson.loads(row.details),
    }
    return orjson.dumps(record).decode()
