"""The tables of the SQL databases. Times are whole microseconds since 1970 in UTC: exact, and the same everywhere."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

REVISION = "0003"
"""The newest migration: what this program works with."""

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
    }
)

_ENDS = text("ends IS NOT NULL")
_DUE = text("due IS NOT NULL")

actions = Table(
    "actions",
    metadata,
    Column("action_id", Text, primary_key=True),
    Column("creator_id", Text, nullable=False),
    # Requests are told apart by this, because an index cannot hold a request_id of any length.
    Column("request_digest", LargeBinary, nullable=False),
    # The whole record: see record.py. The other columns follow from it, and are there to be looked up.
    Column("record", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    # ACTIVE or INACTIVE until the end is final.
    Column("status", Text, nullable=False),
    Column("start_time", BigInteger, nullable=False),
    # When the action ends by itself, until its end is final.
    Column("ends", BigInteger),
    Column("purge_time", BigInteger),
    Column("due", BigInteger),
    UniqueConstraint("creator_id", "request_digest"),
    Index("ix_actions_list", "creator_id", "status", "start_time", "action_id"),
    Index(
        "ix_actions_ends",
        "creator_id",
        "ends",
        postgresql_where=text("ends IS NOT NULL"),
        sqlite_where=text("ends IS NOT NULL"),
    ),
    Index("ix_actions_purge_time", "purge_time"),
    Index("ix_actions_due", "due", postgresql_where=_DUE, sqlite_where=_DUE),
)

action_principals = Table(
    "action_principals",
    metadata,
    Column("action_id", Text, ForeignKey("actions.action_id", ondelete="CASCADE"), nullable=False),
    Column("principal", Text, nullable=False),
    # 1 for monitor_by, 2 for manage_by, 3 for both.
    Column("roles", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("start_time", BigInteger, nullable=False),
    Column("ends", BigInteger),
    PrimaryKeyConstraint("action_id", "principal"),
    Index("ix_action_principals_list", "principal", "roles", "status", "start_time", "action_id"),
    Index(
        "ix_action_principals_ends",
        "principal",
        "ends",
        postgresql_where=text("ends IS NOT NULL"),
        sqlite_where=text("ends IS NOT NULL"),
    ),
    sqlite_with_rowid=False,
)
