"""The tables of the SQL databases. Times are microseconds since 1970 in UTC (see record.py)."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text, UniqueConstraint, text

REVISION = "0004"
"""The newest migration: what this program works with."""

NEVER = 2**63 - 1
"""The expiry of an action whose end is unknown."""

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)

actions = Table(
    "actions",
    metadata,
    Column("action_id", Text, primary_key=True),
    Column("creator_id", Text, nullable=False),
    # Identifies the request: an index cannot hold a request_id of any length. A released action has another digest.
    Column("request_digest", LargeBinary, nullable=False),
    # The whole record, which is private, and the public document that lists show of it.
    Column("record", Text, nullable=False, server_default=""),
    Column("document", Text, nullable=False, server_default=""),
    Column("version", BigInteger, nullable=False, server_default="0"),
    Column("purge_time", BigInteger),
    Column("due", BigInteger),
    UniqueConstraint("creator_id", "request_digest"),
)
Index(None, actions.c.purge_time)
Index(None, actions.c.due, postgresql_where=text("due IS NOT NULL"), sqlite_where=text("due IS NOT NULL"))

# One row for each principal that an action names. No foreign key: it would cost another look-up for each row, and every
# statement that deletes an action deletes these rows too.
action_principals = Table(
    "action_principals",
    metadata,
    Column("action_id", Text, primary_key=True),
    Column("principal", Text, primary_key=True),
    # The sum of the principal's roles in the action: see listed.py.
    Column("roles", Integer, nullable=False),
    # ACTIVE or INACTIVE until the end is final.
    Column("status", Text, nullable=False),
    Column("start_time", BigInteger, nullable=False),
    # When the action ends, until that is final.
    Column("ends", BigInteger),
    Column("expiry", BigInteger, nullable=False),
    Index("ix_action_principals_list", "principal", "roles", "status", "start_time", "action_id", "expiry"),
    Index(
        "ix_action_principals_ends",
        "principal",
        "roles",
        "ends",
        postgresql_where=text("ends IS NOT NULL"),
        sqlite_where=text("ends IS NOT NULL"),
    ),
    sqlite_with_rowid=False,
)
