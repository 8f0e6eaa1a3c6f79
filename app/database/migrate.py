"""Bring the schema of a SQL database up to date: python -m app.database.migrate, or script/migrate."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from app.database import MEMORY, SETTING, DatabaseError
from app.database.engine import (
    check_schema,
    described,
    is_sqlite,
    open_engine,
    reason,
    revision_at,
    schema_revision,
    transaction,
)
from app.database.schema import REVISION

MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 0x77686174
"""The number of the PostgreSQL lock that keeps two processes from migrating at once."""


def bring_up_to_date(engine: Engine) -> bool:
    """Bring the schema up to date, one process at a time. Return False if it was already.

    A schema that is newer than this program is left as it is.

    :raises DatabaseError: the database does not answer, or refuses.
    """
    if schema_revision(engine) == REVISION:
        return False
    text_url = engine.url.render_as_string(hide_password=False)
    try:
        with open_engine(text_url, patient=True).connect() as connection, transaction(connection):
            if not is_sqlite(engine.url):
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            config = Config()
            config.set_main_option("script_location", str(MIGRATIONS))
            config.attributes["connection"] = connection
            current = revision_at(connection)
            if current is None or current < REVISION:
                command.upgrade(config, "head")
    except DBAPIError as error:
        raise DatabaseError(f"{described(engine)} cannot be migrated: {reason(error)}") from error
    return True


@click.command(help=__doc__)
def main() -> None:
    """Migrate the database that the settings name."""
    from app import settings

    url = settings.load().database_url
    if url == MEMORY:
        sys.exit(f"Error: {SETTING} is memory://, which has no tables. Set it to the database to migrate.")
    try:
        engine = open_engine(url)
        done = bring_up_to_date(engine)
        check_schema(engine)
    except DatabaseError as error:
        sys.exit(f"Error: {error}")
    print(f"The schema is {'now' if done else 'already'} at {REVISION}.", file=sys.stderr)


if __name__ == "__main__":
    main()
