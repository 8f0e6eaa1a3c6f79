"""Actions, and who is concerned with them."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "actions",
        sa.Column("action_id", sa.Text, nullable=False),
        sa.Column("creator_id", sa.Text, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("request_digest", sa.LargeBinary, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("label", sa.Text),
        sa.Column("monitor_by", sa.Text, nullable=False),
        sa.Column("manage_by", sa.Text, nullable=False),
        sa.Column("start_time", sa.BigInteger, nullable=False),
        sa.Column("completion_time", sa.BigInteger, nullable=False),
        sa.Column("release_after", sa.BigInteger, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("details", sa.Text, nullable=False),
        sa.Column("final", sa.Boolean, nullable=False),
        sa.Column("expiry", sa.BigInteger, nullable=False),
        sa.Column("duration", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("action_id", name="pk_actions"),
        sa.UniqueConstraint("creator_id", "request_digest", name="uq_actions_creator_id"),
    )
    op.create_index("ix_actions_expiry", "actions", ["expiry"])
    op.create_index("ix_actions_duration", "actions", ["duration"])
    op.create_table(
        "concerned",
        sa.Column("principal", sa.Text, nullable=False),
        sa.Column("start_time", sa.BigInteger, nullable=False),
        sa.Column("action_id", sa.Text, nullable=False),
        sa.Column("roles", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("principal", "start_time", "action_id", name="pk_concerned"),
        sa.ForeignKeyConstraint(
            ["action_id"], ["actions.action_id"], name="fk_concerned_action_id", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_concerned_action_id", "concerned", ["action_id"])
