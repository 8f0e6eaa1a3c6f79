"""SQLite by Python's own driver: readers go on while one thread writes."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import URL
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from app.database import statements
from app.database.statements import prepared

LOCK_SECONDS = 2
"""How long a thread waits while another process is writing."""

DIALECT = SQLiteDialect_pysqlite(paramstyle="named")

_INSERT, _NAME = (prepared(sql, DIALECT) for sql in statements.CREATE_SQLITE)
_UPDATE = prepared(statements.UPDATE, DIALECT)
_MOVE = prepared(statements.MOVE, DIALECT)

Row = dict[str, Any]


def prepare_connection(connection: Any, _record: Any = None) -> None:
    """Make a connection wait for its turn, and the file safe and small.

    Readers and a writer go on at the same time (WAL), a commit has reached the disk before it is acknowledged (FULL),
    and a new file gives back the space of what is deleted (auto_vacuum). If that fails, the connection is closed.
    """
    try:
        is_new = connection.execute("PRAGMA page_count").fetchone()[0] == 0
        for pragma in (
            f"busy_timeout={LOCK_SECONDS * 1000}",
            *(["auto_vacuum=FULL"] if is_new else []),  # on an existing file, this would wait for another writer
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
        ):
            connection.execute(f"PRAGMA {pragma}").close()
    except sqlite3.Error:
        connection.close()
        raise


def make_private(path: str) -> None:
    """Create the file if there is none, readable by its owner only.

    :raises OSError: the folder does not exist, or may not be written.
    """
    if not Path(path).exists():
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


class SqliteSession:
    """A connection with a cursor."""

    def __init__(self, url: URL) -> None:
        self._connection = sqlite3.connect(
            str(url.database), isolation_level=None, check_same_thread=False, cached_statements=256
        )
        prepare_connection(self._connection)
        self._cursor = self._connection.cursor()

    def rows(self, sql: str, values: Row) -> list[tuple[Any, ...]]:
        """Return all rows of a statement."""
        return self._cursor.execute(sql, values).fetchall()

    def count(self, sql: str, values: Row) -> int:
        """Execute a statement, and return how many rows it has changed."""
        return self._cursor.execute(sql, values).rowcount

    def create(self, row: Row, principals: Sequence[tuple[str, int]]) -> bool:
        """Insert a row unless its request or action is stored already."""
        with self._transaction():
            if self._cursor.execute(_INSERT, row).rowcount != 1:
                return False
            self._cursor.execute(_NAME, row | {"principals": orjson.dumps(principals).decode()})
            return True

    def update(self, row: Row, *, moves: bool) -> bool:
        """Update a row if its version is `old_version`; `moves` if status or end change."""
        if not moves:
            return self.count(_UPDATE, row) == 1
        return bool(self.update_all([row]))

    def update_all(self, rows: Sequence[Row]) -> set[str]:
        """Update all rows whose version is `old_version`, and return their ids."""
        changed = set()
        with self._transaction():
            for row in rows:
                if self._cursor.execute(_UPDATE, row).rowcount == 1:
                    self._cursor.execute(_MOVE, row)
                    changed.add(row["action_id"])
        return changed

    def is_dead(self) -> bool:
        return False

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Execute all statements within, or none of them."""
        self._cursor.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._cursor.execute("COMMIT")
        except BaseException:
            self._connection.rollback()
            raise
