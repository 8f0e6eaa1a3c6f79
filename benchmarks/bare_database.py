"""The floor of the SQL databases: bare Flask with the bare driver, one statement per request, and no rules at all.

It works on the same database as our provider: BENCH_DATABASE_URL, with an action in it. So it reads the same rows, and
writes as many and as long ones, but under another creator.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import threading
import uuid
from typing import Any, NamedTuple

import psycopg
from flask import Flask, Response, request
from sqlalchemy import make_url

from app.database.schema import actions
from app.database.sqlite import configure

COLUMNS = tuple(column.name for column in actions.c)
NAMES = ", ".join(COLUMNS)
TEMPLATE = f"SELECT {NAMES} FROM actions WHERE due IS NULL LIMIT 1"
PRINCIPALS = "SELECT principal, roles, status, start_time, ends, expiry FROM action_principals WHERE action_id = ?"
GET = "SELECT record FROM actions WHERE action_id = ?"
PAGE = (
    "SELECT document FROM action_principals JOIN actions ON actions.action_id = action_principals.action_id"
    " WHERE principal = ? AND roles = 7 AND status = 'ACTIVE'"
    " ORDER BY start_time DESC, action_principals.action_id DESC LIMIT 100"
)
INSERT = f"INSERT INTO actions ({NAMES}) VALUES ({', '.join('?' * len(COLUMNS))})"
INSERT_PRINCIPALS = (
    "INSERT INTO action_principals (action_id, principal, roles, status, start_time, ends, expiry) VALUES "
)

_write_lock = threading.Lock()
"""SQLite has one writer at a time. Waiting here is faster than its busy handler, which sleeps."""


class Template(NamedTuple):
    """What the rows that are inserted look like."""

    row: tuple[Any, ...]
    principals: list[tuple[Any, ...]]

    def new_row(self, request_id: str) -> tuple[Any, ...]:
        digest = hashlib.sha256(request_id.encode()).digest()
        return (str(uuid.uuid4()), "the floor", digest, *self.row[3:])

    def new_principals(self, row: tuple[Any, ...]) -> list[Any]:
        return [
            value for principal, *others in self.principals for value in (row[0], f"the floor, {principal}", *others)
        ]

    @property
    def insert_principals(self) -> str:
        return INSERT_PRINCIPALS + ", ".join(["(?, ?, ?, ?, ?, ?, ?)"] * len(self.principals))


class Bare:
    """A connection of each thread, with a cursor that is kept open."""

    def __init__(self) -> None:
        self._local = threading.local()
        row = self.rows(TEMPLATE, ())[0]
        self.template = Template(row, self.rows(PRINCIPALS, (row[0],)))

    @property
    def cursor(self) -> Any:
        if not hasattr(self._local, "cursor"):
            self._local.cursor = self.connect().cursor()
        return self._local.cursor

    def connect(self) -> Any:
        raise NotImplementedError

    def rows(self, sql: str, values: Any) -> list[Any]:
        raise NotImplementedError

    def insert(self, request_id: str) -> None:
        raise NotImplementedError


class BareSqlite(Bare):
    def __init__(self, path: str) -> None:
        self._path = path
        super().__init__()

    def connect(self) -> Any:
        connection = sqlite3.connect(self._path, isolation_level=None)
        configure(connection)
        return connection

    def rows(self, sql: str, values: Any) -> list[Any]:
        found: list[Any] = self.cursor.execute(sql, values).fetchall()
        return found

    def insert(self, request_id: str) -> None:
        """Insert the rows of both tables in one transaction: no statement of SQLite changes two tables."""
        cursor, row = self.cursor, self.template.new_row(request_id)
        with _write_lock:
            cursor.execute("BEGIN IMMEDIATE")
            cursor.execute(INSERT, row)
            cursor.execute(self.template.insert_principals, self.template.new_principals(row))
            cursor.execute("COMMIT")


class BarePostgresql(Bare):
    def __init__(self, url: str) -> None:
        self._url = url.replace("+psycopg", "")
        super().__init__()
        sql = f"WITH stored AS ({INSERT}) {self.template.insert_principals}"
        self._insert = sql.replace("?", "%s")

    def connect(self) -> Any:
        return psycopg.connect(self._url, autocommit=True)

    def rows(self, sql: str, values: Any) -> list[Any]:
        found: list[Any] = self.cursor.execute(sql.replace("?", "%s"), values).fetchall()
        return found

    def insert(self, request_id: str) -> None:
        row = self.template.new_row(request_id)
        self.cursor.execute(self._insert, [*row, *self.template.new_principals(row)])


def create_app() -> Flask:
    app = Flask(__name__)
    url = make_url(os.environ["BENCH_DATABASE_URL"])
    is_sqlite = url.get_backend_name() == "sqlite"
    database: Bare = BareSqlite(str(url.database)) if is_sqlite else BarePostgresql(os.environ["BENCH_DATABASE_URL"])
    record, creator = database.template.row[3], database.template.row[1]

    @app.get("/<action_id>/status")
    def get_status(action_id: str) -> Response:
        return Response(database.rows(GET, (action_id,))[0][0], mimetype="application/json")

    @app.get("/actions")
    def get_page() -> Response:
        documents = ",".join(row[0] for row in database.rows(PAGE, (creator,)))
        return Response(f"[{documents}]", mimetype="application/json")

    @app.post("/run")
    def run() -> Response:
        database.insert(request.get_json(force=True)["request_id"])
        return Response(record, status=202, mimetype="application/json")

    return app
