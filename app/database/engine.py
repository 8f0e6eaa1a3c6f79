"""SQLAlchemy's engine, for what happens before serving: schema checks and migrations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError

from app.database import SETTING, DatabaseError
from app.database.schema import REVISION


def open_engine(text_url: str, *, patient: bool = False) -> Engine:
    """Return an engine for the database of this URL. No connection is made yet.

    Each statement is its own transaction, unless it is within `transaction`.

    :param patient: wait for PostgreSQL without a time limit.
    :raises DatabaseError: the URL does not name a supported database, or its folder does not exist.
    """
    url = parse_url(text_url)
    general: dict[str, Any] = {"isolation_level": "AUTOCOMMIT", "poolclass": NullPool, "hide_parameters": True}
    if is_sqlite(url):
        from app.database.sqlite import prepare

        engine = create_engine(url, **general)
        event.listen(engine, "connect", lambda connection, _record: prepare(connection))
        return engine
    from app.database.postgresql import ENCODING, connect

    engine = create_engine(url, client_encoding=ENCODING, **general)
    if not patient:

        def do_connect(_dialect: Any, _record: Any, _arguments: Any, parameters: dict[str, Any]) -> Any:
            return connect(parameters)

        event.listen(engine, "do_connect", do_connect)
    return engine


def parse_url(text_url: str) -> URL:
    """Return the URL, with the driver that we use.

    :raises DatabaseError: it does not name a PostgreSQL database, or a SQLite file in a folder that exists.
    """
    try:
        url = make_url(text_url)
    except ArgumentError as error:
        raise DatabaseError(f"{SETTING} is not a database URL.") from error
    if url.drivername in ("postgresql", "postgresql+psycopg"):
        return url.set(drivername="postgresql+psycopg")
    if url.drivername == "sqlite" and url.database not in (None, "", ":memory:"):
        _check_file(url)
        return url
    raise DatabaseError(f"{SETTING}: {url.drivername}: is not a supported kind of database, or has no file name.")


def _check_file(url: URL) -> None:
    """Make sure that the SQLite file can be used, and that other users cannot read it."""
    from app.database.sqlite import file_of, keep_private

    path = file_of(url)
    if not path.absolute().parent.is_dir():
        raise DatabaseError(f"{SETTING}: the folder {path.absolute().parent} does not exist.")
    try:
        keep_private(path)
    except OSError as error:
        raise DatabaseError(f"{SETTING}: the file {path} cannot be opened: {error.strerror}.") from error


def is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """Run all statements in the block, or none of them. This is for writing: SQLite locks the file immediately."""
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
    shown = described(engine)
    revision = schema_revision(engine)
    if revision is None:
        raise DatabaseError(f"{shown} has no tables yet: run script/migrate.")
    if revision < REVISION:
        raise DatabaseError(f"{shown} has an older schema ({revision}): run script/migrate.")
    if revision > REVISION:
        raise DatabaseError(
            f"{shown} has a newer schema ({revision}) than this program knows ({REVISION}): run the newer program."
        )


def schema_revision(engine: Engine) -> str | None:
    """Return the migration that the database is at; None if it has none of our tables.

    :raises UnreachableError: it does not answer.
    :raises DatabaseError: it cannot store every text.
    """
    try:
        with engine.connect() as connection:
            _check_encoding(connection)
            return revision_at(connection)
    except DBAPIError as error:
        raise UnreachableError(f"{described(engine)} cannot be used: {reason(error)}") from error


def _check_encoding(connection: Connection) -> None:
    if is_sqlite(connection.engine.url):
        return
    from app.database.postgresql import wrong_encoding

    encoding = wrong_encoding(cast(Any, connection.connection.driver_connection))
    if encoding is not None:
        raise DatabaseError(
            f"{described(connection.engine)} has the encoding {encoding}, which cannot store every text: make another "
            "with createdb --encoding UTF8 --template template0 NAME."
        )


def revision_at(connection: Connection) -> str | None:
    """Return the migration that the database is at; None if it has none of our tables."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.execute(text("SELECT max(version_num) FROM alembic_version")).scalar_one()
    return revision


class UnreachableError(DatabaseError):
    """Raised when the schema cannot be checked because the database does not answer."""


def described(engine: Engine) -> str:
    """Return the beginning of a message: the database and its setting, without the password."""
    return f"The database at {engine.url.render_as_string(hide_password=True)} ({SETTING})"


def reason(error: DBAPIError) -> str:
    """Return what a database said, in one line, without the statement and its values."""
    return " ".join(str(error.orig).split())
