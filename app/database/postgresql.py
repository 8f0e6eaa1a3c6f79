"""Connections to PostgreSQL with their own time limits: those of the server do not help when it is silent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from sqlalchemy import URL
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from app.database.command import Command, Rows
from app.database.connections import Lost, NoAnswer, Silent

SECONDS_FOR_AN_ANSWER = 3
SECONDS_FOR_A_CONNECTION = 2
SECONDS_FOR_A_STATEMENT = 2.5
"""How long the server works on a statement before it gives up, which keeps the connection."""

PLANS = "-c jit=off -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off"
"""Each statement looks up a few rows by an index. PostgreSQL cannot know how few when it plans a prepared statement: it
would read through whole tables, or compile the plan for a second."""

ENCODING = "utf8"
"""How texts are sent, whatever the environment or the database says."""

DIALECT = PGDialect_psycopg(paramstyle="format", client_encoding=ENCODING)  # type: ignore[no-untyped-call]  # of SQLAlchemy


class PatientConnection(psycopg.Connection[Any]):
    """Closes itself if an answer takes longer than SECONDS_FOR_AN_ANSWER."""

    def wait(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().wait(*args, **{"timeout": SECONDS_FOR_AN_ANSWER, **kwargs})
        except psycopg.errors._WaitTimeout as error:
            self.close()
            raise psycopg.OperationalError(f"no answer within {SECONDS_FOR_AN_ANSWER} s") from error


class PostgresqlConnection:
    """An open connection, and the one cursor that all its statements use."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        try:
            self._connection = connect(parameters, autocommit=True)
        except psycopg.errors.ConnectionTimeout as error:
            raise Silent(f"no connection within {SECONDS_FOR_A_CONNECTION} s") from error
        except psycopg.OperationalError as error:
            raise Lost(one_line(error)) from error
        encoding = wrong_encoding(self._connection)
        if encoding is not None:  # it did not answer when the server started
            self.close()
            raise NoAnswer(f"its encoding is {encoding}, not UTF8")
        self._cursor = self._connection.cursor()

    def execute(self, command: Command, parameters: Mapping[str, Any]) -> Rows:
        sql, cursor = command.first, self._cursor
        try:
            cursor.execute(sql.text, [parameters[name] for name in sql.names])
            return cursor.fetchall()
        except (psycopg.errors.IntegrityError, psycopg.errors.DataError, psycopg.errors.ProgrammingError):
            raise
        except psycopg.Error as error:
            if isinstance(error.__cause__, psycopg.errors._WaitTimeout):
                raise Silent(one_line(error)) from error
            if self._connection.closed:
                raise Lost(one_line(error)) from error
            raise NoAnswer(one_line(error)) from error

    def is_usable(self) -> bool:
        return not self._connection.closed

    def close(self) -> None:
        self._connection.close()


def connect(parameters: Mapping[str, Any], *, autocommit: bool = False) -> PatientConnection:
    """Return a patient connection. The parameters are libpq's."""
    milliseconds = int(SECONDS_FOR_A_STATEMENT * 1000)
    limits: dict[str, Any] = {
        "application_name": "whattime",
        "connect_timeout": SECONDS_FOR_A_CONNECTION,
        "options": f"{PLANS} -c statement_timeout={milliseconds} -c idle_in_transaction_session_timeout=30s",
    }
    return PatientConnection.connect(autocommit=autocommit, **limits | dict(parameters))


def wrong_encoding(connection: psycopg.Connection[Any]) -> str | None:
    """Return the encoding of the database if it cannot store every text."""
    encoding = connection.info.parameter_status("server_encoding")
    return None if encoding == "UTF8" else encoding


def libpq_parameters(url: URL) -> Mapping[str, Any]:
    """Return libpq's parameters for a SQLAlchemy URL."""
    _, parameters = DIALECT.create_connect_args(url)  # type: ignore[no-untyped-call]  # of SQLAlchemy
    return dict(parameters)


def one_line(error: Exception) -> str:
    return " ".join(str(error).split())
