"""Settings: defaults, the environment, and one clear line for what is wrong."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from app import create_app, settings
from app.settings import SettingsError
from tests.conftest import CREDENTIALS

ROOT = Path(__file__).parent.parent


def test_the_defaults_hold() -> None:
    config = settings.load()
    assert config.work_settings == {"MIN_SECONDS": 5, "MAX_SECONDS": 900, "FAILURE_RATE": 0.3}
    assert config.release_after == config.maximum_deadline == timedelta(days=30)
    assert config.runnable_by == ("all_authenticated_users",)
    assert config.is_local


def test_the_environment_overrides_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHATTIME_FAILURE_RATE", "0")
    monkeypatch.setenv("WHATTIME_CLIENT_SECRET", "12345")
    config = settings.load()
    assert config.work_settings["FAILURE_RATE"] == 0
    assert config.client_secret == "12345"


WRONG = {
    "CLIENT_ID": ["", "alice", "1234"],
    "CLIENT_SECRET": ["", "two words", "two\nlines"],
    "SCOPE": ["", "two scopes", 'a"b'],
    "DATABASE_URL": ["", "memories", "mongodb://user:password@host"],
    "WORK": ["", "app.nothing", "json", "app whattime"],
    "LEASE_SECONDS": ["0", "-1", "soon", "nan"],
    "MIN_SECONDS": ["-1", "soon", "nan", "inf", "1e99"],
    "MAX_SECONDS": ["-1", "soon", "nan", "inf", "4"],
    "FAILURE_RATE": ["-0.1", "1.1", "30%", "nan", ""],
    "RANDOM_SEED": ["1.5", "x"],
    "RELEASE_AFTER": ["30", "P", "-P1D", "P101Y", "P9999999999999D"],
    "MAX_RELEASE_AFTER": ["1 day"],
    "MAXIMUM_DEADLINE": ["P1.5M"],
    "VISIBLE_TO": ["", "everybody", "public,", "urn:globus:auth:identity:1234"],
    "RUNNABLE_BY": ["public", "alice@example.org"],
    "LOG_FORMAT": ["", "xml"],
    "DOCS_TOKENS": ["", "alice", "alice=", "=token", "alice=token,"],
    "MAX_CONTENT_LENGTH": ["0", "-1", "64k"],
    "TOKEN_CACHE_SECONDS": ["-1", "x"],
    "TOKEN_CACHE_SIZE": ["0", "many"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_wrong_value_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"WHATTIME_{name}", value)
    with pytest.raises(SettingsError) as raised:
        settings.load()
    message = raised.value.format_message()
    assert f"WHATTIME_{name}" in message
    assert "\n" not in message
    if name in ("CLIENT_SECRET", "DATABASE_URL"):
        assert not value or value not in message


def test_every_setting_has_a_test_of_its_wrong_values() -> None:
    assert set(WRONG) == set(settings.names(settings.load()))


def test_a_setting_that_does_not_exist_is_not_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHATTIME_FAILRE_RATE", "0")
    with pytest.raises(SettingsError, match="did you mean WHATTIME_FAILURE_RATE"):
        settings.load()


def test_nested_names_do_not_exist_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHATTIME_MIN_SECONDS__X", "0")
    with pytest.raises(SettingsError, match="unknown setting"):
        settings.load()


@pytest.mark.parametrize("missing", ["CLIENT_ID", "CLIENT_SECRET", "SCOPE"])
def test_without_all_credentials_there_is_no_app(missing: str) -> None:
    with pytest.raises(SettingsError, match=f"WHATTIME_{missing} must be set"):
        create_app({name: value for name, value in CREDENTIALS.items() if name != missing})


def test_every_setting_has_a_comment_and_stands_in_the_documentation() -> None:
    lines = (ROOT / "config.py").read_text().splitlines()
    documented = (ROOT / "README.md").read_text()
    config = settings.load()
    for name in settings.names(config):
        assert f"`{name}`" in documented
    for name in set(settings.names(config)) - set(config.work_settings):
        index = next(index for index, line in enumerate(lines) if line.startswith(f"{name} ="))
        assert lines[index - 1].startswith("# ")


def test_a_setting_that_is_needed_cannot_be_unset() -> None:
    with pytest.raises(SettingsError, match="WHATTIME_MIN_SECONDS"):
        settings.load({"MIN_SECONDS": None})


def test_importing_the_app_reads_no_settings() -> None:
    code = "import app, app.app, app.server, local_globus.web"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={"WHATTIME_NONSENSE": "1"}, check=True)
