"""Connections to a SQLite file."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import URL
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from app.database.command import Command, Rows, Sql
from app.database.connections import NoAnswer, Silent

SECONDS_FOR_A_LOCK = 2
"""How long a writer waits for other processes that write."""

DIALECT = SQLiteDialect_pysqlite(paramstyle="qmark")


class SqliteConnection:
    """An open connection."""

    def __init__(self, path: Path) -> None:
        try:
            self._connection = sqlite3.connect(
                path, timeout=SECONDS_FOR_A_LOCK, isolation_level=None, check_same_thread=False
            )
            configure(self._connection)
        except sqlite3.Error as error:
            raise _no_answer(error) from error

    def execute(self, command: Command, parameters: Mapping[str, Any]) -> Rows:
        try:
            if command.second is None:
                return self._run(command.first, parameters)
            return self._run_both(command.first, command.second, parameters)
        except (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.ProgrammingError, sqlite3.InterfaceError):
            raise
        except sqlite3.Error as error:
            raise _no_answer(error) from error

    def is_usable(self) -> bool:
        return not self._connection.in_transaction

    def close(self) -> None:
        self._connection.close()

    def _run(self, sql: Sql, parameters: Mapping[str, Any]) -> Rows:
        return self._connection.execute(sql.text, [parameters[name] for name in sql.names]).fetchall()

    def _run_both(self, first: Sql, second: Sql, parameters: Mapping[str, Any]) -> Rows:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            rows = self._run(first, parameters)
            if rows:
                ids = orjson.dumps([row[0] for row in rows]).decode()
                self._run(second, {**parameters, "action_ids": ids})
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        return rows


def configure(connection: sqlite3.Connection) -> None:
    """Make a connection wait for its turn, and acknowledge a commit only when it has reached the disk."""
    for pragma in (f"busy_timeout={SECONDS_FOR_A_LOCK * 1000}", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}").close()


def prepare(connection: sqlite3.Connection) -> None:
    """Configure a connection, and the file, which remembers it.

    Readers and a writer do not block each other (WAL), and a new file gives back the space of deleted rows.
    """
    is_new = connection.execute("PRAGMA page_count").fetchone()[0] == 0
    configure(connection)
    if is_new:  # on an existing file, this would wait for a writer
        connection.execute("PRAGMA auto_vacuum=FULL").close()
    connection.execute("PRAGMA journal_mode=WAL").close()


def keep_private(path: Path) -> None:
    """Make the file, if there is none, and keep it from other users of the machine.

    An existing file is not opened: closing it would end the locks that SQLite holds on it in this process, and another
    process could then delete the write-ahead log (https://www.sqlite.org/howtocorrupt.html, section 2.2).

    :raises OSError: it cannot be made.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    mode = path.stat().st_mode
    if mode & 0o007 and path.stat().st_uid == os.geteuid():
        path.chmod(mode & ~0o007 & 0o777)


def file_of(url: URL) -> Path:
    return Path(str(url.database))


def _no_answer(error: sqlite3.Error) -> NoAnswer:
    message = " ".join(str(error).split())
    busy = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    return Silent(message) if busy else NoAnswer(message)
