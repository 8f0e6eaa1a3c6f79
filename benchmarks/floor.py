"""The limit of the durable path: bare Flask and the bare driver, one statement per request, on the same tables.

BENCH_DATABASE_URL names the database. It answers with records as they are stored.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import threading
import uuid
from collections.abc import Sequence
from typing import Any, Protocol

import psycopg
from flask import Flask, Response, request

from benchmarks.made_up import CREATOR

RECORD = (
    '{"action_id":"%s","creator_id":"' + CREATOR + '","request_id":"%s","content":"MDEyMzQ1Njc4OWFiY2RlZg==",'
    '"label":null,"monitor_by":["' + CREATOR + '"],"manage_by":["' + CREATOR + '"],"start_time":'
    '"2026-01-01T00:00:00.000000Z","completion_time":"2026-01-02T00:00:00.000000Z","release_after":"P30D","outcome":'
    '{"status":"SUCCEEDED","details":{"whattimeisit":"2026-01-01T01:00:00.000000+01:00"}},"final":false,'
    '"estimate":null,"progress":null,"version":0}'
)
GET = "SELECT record FROM actions WHERE action_id = %s"
PAGE = (
    "SELECT record FROM action_principals JOIN actions ON actions.action_id = action_principals.action_id"
    f" WHERE principal = '{CREATOR}' AND roles = 7 AND status = 'ACTIVE' ORDER BY start_time DESC LIMIT 101"
)
INSERT = (
    "INSERT INTO actions (action_id, creator_id, request_digest, record, version, purge_time, due)"
    f" VALUES (%s, '{CREATOR}', %s, %s, 0, 1, NULL)"
)
NAMES = (
    "INSERT INTO action_principals (action_id, principal, roles, status, start_time, ends, expiry)"
    f" VALUES (%s, '{CREATOR}', 7, 'ACTIVE', 1, 2, 9000000000000000)"
)
BOTH = f"WITH stored AS ({INSERT} ON CONFLICT DO NOTHING RETURNING action_id) {NAMES} RETURNING action_id"


class Driver(Protocol):
    """What a request asks of a driver."""

    def select(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[str]]: ...

    def insert(self, action_id: str, digest: bytes, record: str) -> None: ...


class Postgresql:
    def __init__(self, url: str) -> None:
        self._cursor = psycopg.connect(url.replace("+psycopg", ""), autocommit=True).cursor()

    def select(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[str]]:
        return self._cursor.execute(sql, values).fetchall()

    def insert(self, action_id: str, digest: bytes, record: str) -> None:
        self._cursor.execute(BOTH, (action_id, digest, record, action_id))


class Sqlite:
    def __init__(self, url: str) -> None:
        self._connection = sqlite3.connect(url.removeprefix("sqlite:///"), timeout=10, isolation_level=None)
        self._connection.execute("PRAGMA synchronous=FULL")

    def select(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[str]]:
        return self._connection.execute(sql.replace("%s", "?"), values).fetchall()

    def insert(self, action_id: str, digest: bytes, record: str) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute(INSERT.replace("%s", "?"), (action_id, digest, record))
        self._connection.execute(NAMES.replace("%s", "?"), (action_id,))
        self._connection.execute("COMMIT")


def create_app() -> Flask:
    app, own = Flask(__name__), threading.local()
    url = os.environ["BENCH_DATABASE_URL"]

    def driver() -> Driver:
        """Return the thread's own connection."""
        if not hasattr(own, "driver"):
            own.driver = Sqlite(url) if url.startswith("sqlite") else Postgresql(url)
        found: Driver = own.driver
        return found

    @app.get("/<action_id>/status")
    def status(action_id: str) -> Response:
        return Response(driver().select(GET, (action_id,))[0][0], mimetype="application/json")

    @app.get("/actions")
    def page() -> Response:
        records = [record for (record,) in driver().select(PAGE)]
        return Response(f"[{','.join(records[:100])}]", mimetype="application/json")

    @app.post("/run")
    def run() -> Response:
        request_id, action_id = request.get_json(force=True)["request_id"], str(uuid.uuid4())
        record = RECORD % (action_id, request_id)
        driver().insert(action_id, hashlib.sha256(request_id.encode()).digest(), record)
        return Response(record, status=202, mimetype="application/json")

    return app
