"""The tables of the SQL databases."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
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
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from app.database.record import at, microseconds, since_epoch

REVISION = "0002"
"""The newest migration: what this program works with."""


class Duration(TypeDecorator[timedelta]):
    """A duration, as a number of microseconds: exact, and the same in every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: timedelta | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        return None if value is None else microseconds(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> timedelta | None:  # noqa: ARG002
        return None if value is None else timedelta(microseconds=value)


class Time(TypeDecorator[datetime]):
    """A time, as the number of microseconds since 1970 in UTC: exact, and the same in every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        return None if value is None else since_epoch(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else at(value)


metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
    }
)

actions = Table(
    "actions",
    metadata,
    Column("action_id", Text, primary_key=True),
    Column("creator_id", Text, nullable=False),
    # Requests are told apart by this, since an index cannot hold a request_id of any length.
    Column("request_digest", LargeBinary, nullable=False),
    # All of it, but `final`: see record.py.
    Column("record", Text, nullable=False, server_default=""),
    Column("final", Boolean, nullable=False),
    # Follow from the record; stored to be looked up.
    Column("status", Text, nullable=False),
    Column("completion_time", Time, nullable=False),
    Column("expiry", Time, nullable=False, index=True),
    Column("duration", Duration, nullable=False, index=True),
    UniqueConstraint("creator_id", "request_digest"),
)

concerned = Table(
    "concerned",
    metadata,
    Column("principal", Text, nullable=False),
    Column("start_time", Time, nullable=False),
    Column("action_id", Text, ForeignKey("actions.action_id", ondelete="CASCADE"), nullable=False),
    # The sum of what the principal is to the action, by ROLE_BITS.
    Column("roles", Integer, nullable=False),
    PrimaryKeyConstraint("principal", "start_time", "action_id"),
    Index(None, "action_id"),
    sqlite_with_rowid=False,
)
