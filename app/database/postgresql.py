"""PostgreSQL by psycopg. Every wait is limited: the limits of the server itself are of no use if it is silent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import psycopg
from sqlalchemy import URL
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from app.database import statements
from app.database.statements import prepared

ANSWER_SECONDS = 3
"""How long a statement may take."""

CONNECT_SECONDS = 2
"""How long connecting may take."""

DIALECT = PGDialect_psycopg(paramstyle="pyformat")  # type: ignore[no-untyped-call]  # SQLAlchemy has no types here

_CREATE = prepared(statements.CREATE_POSTGRESQL, DIALECT)
_UPDATE = prepared(statements.UPDATE, DIALECT)
_UPDATE_AND_MOVE = prepared(statements.UPDATE_AND_MOVE_POSTGRESQL, DIALECT)
_UPDATE_ALL = prepared(statements.UPDATE_ALL_POSTGRESQL, DIALECT)

Row = dict[str, Any]


class PatientConnection(psycopg.Connection[Any]):
    """A connection that closes itself, and raises OperationalError, if an answer takes longer than ANSWER_SECONDS."""

    def wait(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().wait(*args, **{"timeout": ANSWER_SECONDS, **kwargs})
        except psycopg.errors._WaitTimeout as error:
            self.close()
            raise psycopg.OperationalError(f"no answer within {ANSWER_SECONDS} s") from error


def limits() -> dict[str, Any]:
    """Return the connection parameters that limit every wait."""
    return {
        "application_name": "whattime",
        "connect_timeout": CONNECT_SECONDS,
        "options": f"-c statement_timeout={ANSWER_SECONDS}s -c idle_in_transaction_session_timeout=30s",
    }


def connect_for_sqlalchemy(
    _dialect: Any, _record: Any, arguments: list[Any], parameters: dict[str, Any]
) -> psycopg.Connection[Any]:
    """Connect for SQLAlchemy (its event do_connect)."""
    return PatientConnection.connect(*arguments, **limits() | parameters)


class PostgresqlSession:
    """A connection, with a cursor that is kept open: making one takes as long as a small statement."""

    def __init__(self, url: URL) -> None:
        arguments, parameters = DIALECT.create_connect_args(url)  # type: ignore[no-untyped-call]
        self._connection = PatientConnection.connect(*arguments, autocommit=True, **limits() | parameters)
        self._cursor = self._connection.cursor()

    def rows(self, sql: str, values: Row) -> list[tuple[Any, ...]]:
        """Return all rows of a statement."""
        return self._cursor.execute(sql, values).fetchall()

    def count(self, sql: str, values: Row) -> int:
        """Execute a statement, and return how many rows it has changed."""
        return self._cursor.execute(sql, values).rowcount

    def create(self, row: Row, principals: Sequence[tuple[str, int]]) -> bool:
        """Insert a row unless its request or action is stored already."""
        return bool(self.rows(_CREATE, row | {"principals": orjson.dumps(principals).decode()})[0][0])

    def update(self, row: Row, *, moves: bool) -> bool:
        """Update a row if its version is `old_version`; `moves` if status or end change."""
        if moves:
            return bool(self.rows(_UPDATE_AND_MOVE, row)[0][0])
        return self.count(_UPDATE, row) == 1

    def update_all(self, rows: Sequence[Row]) -> set[str]:
        """Update all rows whose version is `old_version`, and return their ids."""
        plain = [{name: value for name, value in row.items() if name != "request_digest"} for row in rows]
        return {action_id for (action_id,) in self.rows(_UPDATE_ALL, {"changes": orjson.dumps(plain).decode()})}

    def is_dead(self) -> bool:
        return bool(self._connection.closed or self._connection.broken)

    def close(self) -> None:
        self._connection.close()
