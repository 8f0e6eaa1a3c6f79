"""The public document of each action, which lists send as it is stored."""

from typing import Any

import isodate
import orjson
import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

ROWS_AT_ONCE = 1000

_actions = sa.table("actions", *(sa.column(name) for name in ("action_id", "record", "document")))


def upgrade() -> None:
    op.add_column("actions", sa.Column("document", sa.Text, nullable=False, server_default=""))
    connection = op.get_bind()
    columns = _actions.c
    batch = sa.select(columns.action_id, columns.record).where(columns.action_id > sa.bindparam("last"))
    batch = batch.order_by(columns.action_id).limit(ROWS_AT_ONCE)
    fill = sa.update(_actions).where(columns.action_id == sa.bindparam("id")).values(document=sa.bindparam("text"))
    last = ""
    while rows := connection.execute(batch, {"last": last}).all():
        connection.execute(fill, [{"id": row.action_id, "text": _document(orjson.loads(row.record))} for row in rows])
        last = rows[-1].action_id


def _document(record: dict[str, Any]) -> str:
    """Return the public document: with the end only if that is final."""
    document = {name: record[name] for name in ("action_id", "creator_id", "monitor_by", "manage_by")}
    document["start_time"] = _time(record["start_time"])
    document["release_after"] = isodate.duration_isoformat(isodate.parse_duration(record["release_after"]))
    if record["label"] is not None:
        document["label"] = record["label"]
    outcome, progress = record["outcome"], record["progress"]
    if record["final"] and outcome is not None:
        document["status"] = document["display_status"] = outcome["status"]
        document["completion_time"] = _time(record["completion_time"])
        document["details"] = outcome["details"]
    elif progress is not None:
        document["status"] = "INACTIVE" if progress["inactive"] else "ACTIVE"
        document["display_status"] = progress["display_status"] or document["status"]
        document["details"] = progress["details"]
    else:
        document["status"] = document["display_status"] = "ACTIVE"
        document["details"] = {"estimated_completion_time": _time(record["estimate"] or record["completion_time"])}
    return orjson.dumps(document).decode()


def _time(text: str) -> str:
    return text.replace("Z", "+00:00")
