"""The way to a SQL database: a pool of connections with safe defaults, and whether the schema there is ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError

from app.database import DatabaseError
from app.database.schema import REVISION

CONNECTIONS = 16
"""How many connections a process has at most: one for each of its threads."""

SECONDS_FOR_A_CONNECTION = 2
"""How long a thread waits for one of them to be free."""

SECONDS_FOR_A_LOCK = 2
"""How long SQLite waits for whoever is writing."""


def open_engine(text_url: str) -> Engine:
    """A pool of connections to the database of this URL. None is made yet.

    Each statement is its own transaction, unless it stands in `transaction`: a read takes one round trip then.

    :raises DatabaseError: there is no such kind of database.
    """
    url = parse_url(text_url)
    engine = create_engine(
        url,
        isolation_level="AUTOCOMMIT",
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_timeout=SECONDS_FOR_A_CONNECTION,
        pool_use_lifo=True,
        hide_parameters=True,
    )
    if is_sqlite(url):
        event.listen(engine, "connect", _prepare_sqlite)
    else:
        from app.database.postgresql import connect

        event.listen(engine, "do_connect", connect)
    return engine


def parse_url(text_url: str) -> URL:
    """The URL, with the driver that we use.

    :raises DatabaseError: it names no SQLite file and no PostgreSQL database.
    """
    try:
        url = make_url(text_url)
    except ArgumentError as error:
        raise DatabaseError("This is no database URL.") from error
    if url.drivername in ("postgresql", "postgresql+psycopg"):
        return url.set(drivername="postgresql+psycopg")
    if url.drivername == "sqlite" and url.database not in (None, "", ":memory:"):
        return url
    raise DatabaseError(f"{url.drivername}: is not a database that is known here, or has no file name.")


def is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """All statements within, or none of them. It is for writing: on SQLite, it waits for its turn at once."""
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_sqlite(connection.engine.url) else "BEGIN")
    try:
        yield
    except BaseException:
        if not connection.invalidated:
            connection.exec_driver_sql("ROLLBACK")
        raise
    connection.exec_driver_sql("COMMIT")


def check_schema(engine: Engine) -> None:
    """Nothing, where the schema there is the one that this program works with.

    :raises DatabaseError: there is none, or another one, or no answer.
    """
    shown = engine.url.render_as_string(hide_password=True)
    revision = schema_revision(engine)
    if revision is None:
        raise DatabaseError(f"The database at {shown} has no tables yet: run script/migrate.")
    if revision < REVISION:
        raise DatabaseError(f"The database at {shown} has an older schema ({revision}): run script/migrate.")
    if revision > REVISION:
        raise DatabaseError(
            f"The database at {shown} has a newer schema ({revision}) than this program knows ({REVISION}):"
            " run the newer program."
        )


def schema_revision(engine: Engine) -> str | None:
    """The migration that the database is at; None where it has no tables of ours.

    :raises DatabaseError: it does not answer.
    """
    try:
        with engine.connect() as connection:
            return revision_at(connection)
    except DBAPIError as error:
        shown = engine.url.render_as_string(hide_password=True)
        raise UnreachableError(f"The database at {shown} cannot be used: {reason(error)}") from error


def revision_at(connection: Connection) -> str | None:
    """The migration that the database is at; None where it has no tables of ours."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.execute(text("SELECT max(version_num) FROM alembic_version")).scalar_one()
    return revision


class UnreachableError(DatabaseError):
    """Raised when there is no telling, since the database does not answer."""


def reason(error: Exception) -> str:
    """What a database said, in one line, without the statement and what was in it."""
    return " ".join(str(error.orig if isinstance(error, DBAPIError) else error).split())


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """Make a connection wait for its turn, and the file safe and small.

    Readers and a writer go on at once (WAL), a commit has reached the disk before it is acknowledged (FULL), and a new
    file gives back the space of what is deleted (auto_vacuum).
    """
    for pragma in (
        f"busy_timeout={SECONDS_FOR_A_LOCK * 1000}",
        "auto_vacuum=FULL",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
    ):
        connection.execute(f"PRAGMA {pragma}").close()
