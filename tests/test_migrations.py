"""The schema: migrations of empty and old databases, and messages about unusable ones."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

from app import create_app
from app.action.record import Action, Status, failed
from app.action.store import Query
from app.database import Database, DatabaseError, open_database, prepare_database
from app.database.connections import NoAnswer
from app.database.engine import open_engine, transaction
from app.database.migrate import MIGRATIONS
from app.database.postgresql import PostgresqlConnection, libpq_parameters
from app.database.schema import REVISION, metadata
from app.settings import SettingsError
from tests.conftest import CREDENTIALS
from tests.processes import ROOT, clean_environment, free_port
from tests.test_database import STORED, action

ALICE = "urn:globus:auth:identity:00000000-0000-0000-0000-000000000001"
NOW = datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)


each_sql_database = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
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


@each_sql_database
def test_migrations_make_the_tables_that_the_program_works_with(engine: Engine) -> None:
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert "ix_actions_purge_time" in {index["name"] for index in inspect(connection).get_indexes("actions")}


OLD_ACTION = """
INSERT INTO actions VALUES (
  'id-1', :alice, 'request-1', :digest, :content, 'a label', :alices, :alices, 1000000, 2000000, 3000000, 'FAILED',
  '{"message": "ü", "error": "E"}', :final, 5000000, 1000000
)
"""


def test_a_database_of_the_first_schema_keeps_its_actions(tmp_path: Path, postgresql: str) -> None:
    server = postgresql.rpartition("/")[0]
    engine = open_engine(postgresql)
    with engine.connect() as connection:
        connection.execute(text("CREATE DATABASE first"))
    engine.dispose()
    for url in (f"sqlite:///{tmp_path}/actions.db", f"{server}/first"):
        make_first_schema(url)
        prepare_database(url, migrate=True)
        database = open_database(url)
        found = database.find(ALICE, "request-1")
        assert found == Action(
            action_id="id-1",
            creator_id=ALICE,
            request_id="request-1",
            content=b"\0\xff",
            label="a label",
            monitor_by=(ALICE,),
            manage_by=(ALICE,),
            start_time=NOW,
            completion_time=NOW + timedelta(seconds=1),
            release_after=timedelta(seconds=3),
            outcome=failed("ü", "E"),
            final=True,
        )
        assert database.get("id-1") == found
        assert database.replace(found, dataclasses.replace(found, label="other", version=1))
        assert listed_ids(database, Status.FAILED) == ["id-1"]
        assert listed_ids(database, Status.ACTIVE) == []
        assert [dropped.action_id for dropped in database.purge(NOW + timedelta(seconds=4), 10)] == ["id-1"]
        database.close()


@each_sql_database
def test_older_actions_get_the_documents_that_lists_show(engine: Engine) -> None:
    url = engine.url.render_as_string(hide_password=False)
    database = open_database(url)
    for number, stored in enumerate(STORED.values()):
        database.create(dataclasses.replace(stored, action_id=f"id-{number}", request_id=f"request-{number}"))
    before = documents(engine)
    assert len(before) == len(STORED)
    with engine.connect() as connection:
        connection.execute(text("ALTER TABLE actions DROP COLUMN document"))
    set_revision(engine, "0003")
    prepare_database(url, migrate=True)
    assert documents(engine) == before
    database.close()


def documents(engine: Engine) -> dict[str, Any]:
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT action_id, document FROM actions WHERE action_id LIKE 'id-%'"))
        return {row.action_id: json.loads(row.document) for row in rows}


def listed_ids(database: Database, status: Status) -> list[str]:
    query = Query(frozenset({ALICE}), frozenset({"manage_by"}), frozenset({status}), limit=10)
    return [json.loads(document)["action_id"] for document in database.list(query, NOW).documents]


def make_first_schema(url: str) -> None:
    engine = open_engine(url)
    with engine.connect() as connection, transaction(connection):
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        known = {"alice": ALICE, "alices": f'["{ALICE}"]', "content": b"\0\xff", "final": True}
        connection.execute(text(OLD_ACTION), known | {"digest": hashlib.sha256(b"request-1").digest()})
        connection.execute(text("INSERT INTO concerned VALUES (:alice, 1000000, 'id-1', 7)"), {"alice": ALICE})
    engine.dispose()


@each_sql_database
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
    migrate = [sys.executable, "-m", "app.database.migrate"]
    for said in ("now at", "already at"):
        done = subprocess.run(migrate, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
        assert said in done.stderr
    open_database(f"{server}/empty").close()


@pytest.fixture(params=["SQL_ASCII", "LATIN1"])
def other_encoding(postgresql: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a database that cannot store every text."""
    name = f"encoding_{request.param.lower()}"
    engine = open_engine(postgresql)
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} ENCODING '{request.param}' LOCALE 'C' TEMPLATE template0"))
        yield f"{postgresql.rpartition('/')[0]}/{name}"
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


def test_a_database_that_cannot_store_every_text_is_refused_in_one_line(other_encoding: str) -> None:
    expected = "createdb --encoding UTF8 --template template0"
    environment = clean_environment(WHATTIME_DATABASE_URL=other_encoding)
    for module in (["app.database.migrate"], ["app", f"--port={free_port()}"]):
        command = [sys.executable, "-m", *module]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode != 0
        (line,) = done.stderr.splitlines()
        assert expected in line
    with pytest.raises(SettingsError, match=expected):
        create_app({**CREDENTIALS, "DATABASE_URL": other_encoding})


def test_a_database_that_turns_out_to_have_another_encoding_counts_as_no_answer(other_encoding: str) -> None:
    url = open_engine(other_encoding).url
    with pytest.raises(NoAnswer, match="encoding"):
        PostgresqlConnection(libpq_parameters(url))


def test_the_encoding_of_the_client_does_not_matter(postgresql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    prepare_database(postgresql, migrate=True)
    database = open_database(postgresql)
    japanese = action(action_id="id-japanese", request_id="request-japanese", label="日本", outcome=failed("日本", "E"))
    assert database.create(japanese) == japanese
    assert database.get("id-japanese") == japanese
    assert database.delete("id-japanese")
    database.close()


def test_migrating_what_cannot_be_reached_fails_in_one_line() -> None:
    url = f"postgresql+psycopg://someone:secret@127.0.0.1:{free_port()}/nothing"
    migrate = [sys.executable, "-m", "app.database.migrate"]
    environment = clean_environment(WHATTIME_DATABASE_URL=url)
    done = subprocess.run(migrate, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert len(done.stderr.splitlines()) == 1
    assert "secret" not in done.stderr


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://x/y", "nonsense"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(DatabaseError):
        open_database(url)


def test_a_sqlite_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "actions.db"
    for _ in ("new", "readable by others before"):
        database = open_database(f"sqlite:///{path}")
        database.check()
        assert {file.stat().st_mode & 0o007 for file in tmp_path.iterdir()} == {0}
        database.close()
        path.chmod(0o644)
    path.unlink()
    open_database(f"sqlite:///{path}").close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_missing_folder_of_a_sqlite_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match=r"WHATTIME_DATABASE_URL.*the folder .*missing does not exist"):
        prepare_database(f"sqlite:///{tmp_path}/missing/actions.db", migrate=False)
