"""The way to a SQL database for migrations and checks of the schema, through SQLAlchemy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError

from app.database import DatabaseError
from app.database.schema import REVISION
from app.database.sqlite import make_private, prepare_connection

SETTING = "WHATTIME_DATABASE_URL"


def open_engine(text_url: str) -> Engine:
    """Return the way to the database of this URL. No connection is made yet.

    :raises DatabaseError: there is no such kind of database.
    """
    url = parse_url(text_url)
    engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool, hide_parameters=True)
    if is_sqlite(url):
        event.listen(engine, "connect", prepare_connection)
    else:
        from app.database.postgresql import connect_for_sqlalchemy

        event.listen(engine, "do_connect", connect_for_sqlalchemy)
    return engine


def parse_url(text_url: str) -> URL:
    """Return the URL, with the driver that we use.

    :raises DatabaseError: it names neither a SQLite file nor a PostgreSQL database.
    """
    try:
        url = make_url(text_url)
    except ArgumentError as error:
        raise DatabaseError(f"{SETTING} is not a database URL.") from error
    if url.drivername in ("postgresql", "postgresql+psycopg"):
        return url.set(drivername="postgresql+psycopg")
    if url.drivername == "sqlite" and url.database not in (None, "", ":memory:"):
        return url
    raise DatabaseError(f"{SETTING}: {url.drivername} is not supported, or the file name is missing.")


def is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def prepare_file(url: URL) -> None:
    """Create the file of a SQLite database if there is none.

    :raises DatabaseError: its folder does not exist, or may not be written; the message names it.
    """
    path = Path(str(url.database))
    try:
        make_private(str(path))
    except OSError as error:
        folder = path.resolve().parent
        raise DatabaseError(
            f"{SETTING}: unable to open database file {path}: the folder {folder} "
            + ("does not exist." if not folder.is_dir() else f"cannot be used ({error.strerror}).")
        ) from error


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """Run all statements within, or none of them. On SQLite, it waits for its turn to write at once."""
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_sqlite(connection.engine.url) else "BEGIN")
    try:
        yield
    except BaseException:
        if not connection.invalidated:
            connection.exec_driver_sql("ROLLBACK")
        raise
    connection.exec_driver_sql("COMMIT")


def check_schema(engine: Engine) -> None:
    """Raise DatabaseError unless the schema there is the one that this program works with."""
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
    """Return the migration that the database is at; None if it has no tables of ours.

    :raises DatabaseError: it does not answer.
    """
    try:
        with engine.connect() as connection:
            return revision_at(connection)
    except DBAPIError as error:
        shown = engine.url.render_as_string(hide_password=True)
        raise UnreachableError(f"{SETTING}: the database at {shown} cannot be used: {reason(error)}") from error


def revision_at(connection: Connection) -> str | None:
    """Return the migration that the database is at; None if it has no tables of ours."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.execute(text("SELECT max(version_num) FROM alembic_version")).scalar_one()
    return revision


class UnreachableError(DatabaseError):
    """Raised when the database does not answer, so that its schema cannot be known."""


def reason(error: BaseException) -> str:
    """Return what a database said, in one line, without the statement and its values."""
    return " ".join(str(error.orig if isinstance(error, DBAPIError) else error).split())
