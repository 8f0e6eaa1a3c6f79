"""Brings the schema of a SQL database up to date: python -m app.database.migrate, or script/migrate."""

from __future__ import annotations

import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from app.database import MEMORY, DatabaseError
from app.database.engine import (
    check_schema,
    is_sqlite,
    open_engine,
    prepare_file,
    revision_at,
    schema_revision,
    transaction,
)
from app.database.schema import REVISION

MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 0x77686174
"""The number of the PostgreSQL lock that keeps two processes from migrating at once."""


def bring_up_to_date(engine: Engine) -> bool:
    """Bring the schema up to date, one process at a time. Return False if it is up to date already.

    A schema that is newer than this program is left as it is.

    :raises DatabaseError: the database does not answer, or refuses.
    """
    if schema_revision(engine) == REVISION:
        return False
    try:
        with engine.connect() as connection, transaction(connection):
            if not is_sqlite(engine.url):
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            config = Config()
            config.set_main_option("script_location", str(MIGRATIONS))
            config.attributes["connection"] = connection
            current = revision_at(connection)
            if current is None or current < REVISION:
                command.upgrade(config, "head")
    except DBAPIError as error:
        shown = engine.url.render_as_string(hide_password=True)
        raise DatabaseError(
            f"The database at {shown} cannot be migrated: {' '.join(str(error.orig).split())}"
        ) from error
    return True


def migrate(url: str) -> bool:
    """Migrate the database at `url`. A SQLite file is created as needed. Return False if it is up to date already.

    :raises DatabaseError: the database does not answer, refuses, or has a newer schema.
    """
    engine = open_engine(url)
    try:
        if is_sqlite(engine.url):
            prepare_file(engine.url)
        done = bring_up_to_date(engine)
        check_schema(engine)
    finally:
        engine.dispose()
    return done


def main() -> None:
    """Migrate the database that the settings name."""
    from app import settings

    url = settings.load().database_url
    if url == MEMORY:
        sys.exit("Error: WHATTIME_DATABASE_URL is memory://, which has no tables. Set it to the database to migrate.")
    try:
        done = migrate(url)
    except DatabaseError as error:
        sys.exit(f"Error: {error}")
    print(f"The schema is {'now' if done else 'already'} at {REVISION}.", file=sys.stderr)


if __name__ == "__main__":
    main()
