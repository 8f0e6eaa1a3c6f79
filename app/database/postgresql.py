"""A connection to PostgreSQL whose patience ends: the server's own limits are of no use when it is silent."""

from __future__ import annotations

from typing import Any

import psycopg

SECONDS_FOR_AN_ANSWER = 3
SECONDS_FOR_A_CONNECTION = 2


class PatientConnection(psycopg.Connection[Any]):
    """Closes itself, and says so as a database's error, when an answer takes longer than SECONDS_FOR_AN_ANSWER."""

    def wait(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().wait(*args, **{"timeout": SECONDS_FOR_AN_ANSWER, **kwargs})
        except psycopg.errors._WaitTimeout as error:
            self.close()
            raise psycopg.OperationalError(f"no answer within {SECONDS_FOR_AN_ANSWER} s") from error


def connect(_dialect: Any, _record: Any, arguments: list[Any], parameters: dict[str, Any]) -> psycopg.Connection[Any]:
    """Connect for SQLAlchemy (its event do_connect)."""
    limits: dict[str, Any] = {
        "application_name": "whattime",
        "connect_timeout": SECONDS_FOR_A_CONNECTION,
        "options": f"-c statement_timeout={SECONDS_FOR_AN_ANSWER}s -c idle_in_transaction_session_timeout=30s",
    }
    return PatientConnection.connect(*arguments, **limits | parameters)
