"""The schema: what migrations make of an empty database, and what is said of one that does not fit."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

from app import create_app
from app.database import DatabaseError, open_database, prepare_database
from app.database.engine import open_engine
from app.database.migrate import MIGRATIONS
from app.database.schema import REVISION, metadata
from app.settings import SettingsError
from tests.conftest import CREDENTIALS
from tests.processes import ROOT, clean_environment, free_port


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    if database_url == "memory://":
        pytest.skip("it has no tables")
    prepare_database(database_url, migrate=True)
    engine = open_engine(database_url)
    yield engine
    set_revision(engine, REVISION)
    engine.dispose()


def set_revision(engine: Engine, revision: str) -> None:
    with engine.connect() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :now"), {"now": revision})


def test_the_newest_migration_is_what_the_program_works_with() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [REVISION]


def test_migrations_make_the_tables_that_the_program_works_with(engine: Engine) -> None:
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert "ix_actions_expiry" in {index["name"] for index in inspect(connection).get_indexes("actions")}


def test_a_newer_schema_is_refused_in_one_line(engine: Engine) -> None:
    set_revision(engine, "9999")
    url = engine.url.render_as_string(hide_password=False)
    with pytest.raises(DatabaseError, match=r"newer schema \(9999\) than this program knows"):
        open_database(url)
    with pytest.raises(SettingsError, match="newer schema"):
        create_app({**CREDENTIALS, "DATABASE_URL": url})


def test_an_empty_postgresql_database_says_what_to_do(postgresql: str) -> None:
    server = postgresql.rpartition("/")[0]
    engine = open_engine(postgresql)
    with engine.connect() as connection:
        connection.execute(text("CREATE DATABASE empty"))
    engine.dispose()
    with pytest.raises(DatabaseError, match="no tables yet: run script/migrate"):
        open_database(f"{server}/empty")
    environment = clean_environment(WHATTIME_DATABASE_URL=f"{server}/empty")
    command = [sys.executable, "-m", "app.database.migrate"]
    for said in ("now at", "already at"):
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
        assert said in done.stderr
    open_database(f"{server}/empty").close()


def test_migrating_what_cannot_be_reached_fails_in_one_line() -> None:
    url = f"postgresql+psycopg://someone:secret@127.0.0.1:{free_port()}/nothing"
    command = [sys.executable, "-m", "app.database.migrate"]
    environment = clean_environment(WHATTIME_DATABASE_URL=url)
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert len(done.stderr.splitlines()) == 1
    assert "secret" not in done.stderr


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://x/y", "nonsense"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(DatabaseError):
        open_database(url)


def test_a_sqlite_file_in_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="unable to open database file"):
        prepare_database(f"sqlite:///{tmp_path}/missing/actions.db", migrate=False)
