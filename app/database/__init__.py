"""Storage: the Database protocol, and open_database(), which picks an implementation by its URL."""

from __future__ import annotations

from typing import Protocol

from app.action.store import ActionStore
from app.monitoring.metrics import Metrics

MEMORY = "memory://"
SETTING = "WHATTIME_DATABASE_URL"
"""The setting that names the database, for messages."""


class Database(ActionStore, Protocol):
    """An ActionStore that can be checked and closed."""

    def check(self) -> None:
        """Raise Unavailable unless the database answers."""

    def close(self) -> None:
        """Close all connections. Nothing else may be called afterwards."""


class DatabaseError(Exception):
    """Raised when a database cannot be used as it is: one line that says which, why, and what to do."""


def open_database(url: str, metrics: Metrics | None = None) -> Database:
    """Return the database that `url` names.

    :param metrics: times the calls of SQL databases.
    :raises DatabaseError: it cannot be used as it is.
    """
    if url == MEMORY:
        from app.database.memory import MemoryDatabase

        return MemoryDatabase()
    from app.database.sql import open_sql_database

    return open_sql_database(url, metrics or Metrics())


def prepare_database(url: str, *, migrate: bool) -> None:
    """Check that open_database(url) will work; with `migrate`, bring its tables up to date first.

    :raises DatabaseError: it will not work, or the database does not answer.
    """
    if url != MEMORY:
        from app.database.sql import prepare_sql_database

        prepare_sql_database(url, migrate=migrate)


def is_for_one_process(url: str) -> bool:
    """Return whether only a single process can see what it stores there."""
    return url == MEMORY
