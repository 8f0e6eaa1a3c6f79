"""flask --app app purge and advance, script/purge and script/advance, and the systemd units that run them."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from app import create_app
from app.action.error import Unavailable
from app.work import Active, Inactive, Succeeded
from tests import scripted_work
from tests.api import Caller, provider_of
from tests.clock import Clock
from tests.conftest import ALICE, CREDENTIALS
from tests.patched_auth import PatchedGlobus
from tests.processes import ROOT, clean_environment, find_program
from tests.scripted_work import Script

GUIDE = (ROOT / "docs" / "operate.md").read_text("utf-8")
COMMANDS = ["purge", "advance"]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    script = Script()
    monkeypatch.setattr(scripted_work, "script", script)
    return script


@pytest.fixture
def app(globus: PatchedGlobus, clock: Clock, script: Script) -> Flask:
    return create_app({**CREDENTIALS, "WORK": "tests.scripted_work"}, clock=clock, timer=clock.timer)


@pytest.fixture
def alice(app: Flask, globus: PatchedGlobus) -> Caller:
    return Caller(app.test_client(), globus.login(ALICE))


def flask(app: Flask, *arguments: str) -> str:
    result = app.test_cli_runner().invoke(args=[*arguments])
    assert result.exit_code == 0, result.output
    return str(result.stdout)


def test_purge_drops_what_has_expired_and_says_how_much(globus: PatchedGlobus, clock: Clock) -> None:
    app = create_app(CREDENTIALS, clock=clock, timer=clock.timer)
    alice = Caller(app.test_client(), globus.login(ALICE))
    for release_after in ("PT1H", "PT1H", "PT3H"):
        alice.run(release_after=release_after)
    assert flask(app, "purge") == "0\n"
    clock.tick(hours=2)
    assert flask(app, "purge") == "2\n"
    assert flask(app, "purge") == "0\n"
    assert len(alice.enumerate(status="succeeded,failed")) == 1


def test_actions_that_need_cleaning_up_are_dropped_by_advance(
    app: Flask, alice: Caller, script: Script, clock: Clock
) -> None:
    script.advance = [Succeeded()] * 2
    for release_after in ("PT1H", "PT3H"):
        alice.run(body={}, release_after=release_after)
    clock.tick(hours=2)
    assert flask(app, "advance") == "advanced 1, ended 0, cleaned up 1\n"
    assert script.names().count("release") == 1


def test_advance_counts_what_it_has_advanced_ended_and_cleaned_up(
    app: Flask, alice: Caller, script: Script, clock: Clock
) -> None:
    later = Active(look_after=timedelta(seconds=10))
    script.advance = [later, later, Inactive("Asked", "Somebody must decide."), Succeeded(), later]
    for _ in range(3):
        alice.run(body={})
    assert flask(app, "advance") == "advanced 0, ended 0, cleaned up 0\n"
    clock.tick(seconds=10)
    assert flask(app, "advance") == "advanced 2, ended 1, cleaned up 0\n"
    assert flask(app, "advance") == "advanced 0, ended 0, cleaned up 0\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_a_database_that_does_not_answer_is_one_line(app: Flask, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    def fail(*_: object) -> None:
        raise Unavailable("The database does not answer now.")

    for method in ("purge", "advance_due"):
        monkeypatch.setattr(provider_of(app).actions, method, fail)
    result = app.test_cli_runner().invoke(args=[command])
    assert result.exit_code == 1
    assert result.output == "Error: The database does not answer now.\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_a_script_needs_no_credentials_but_a_database_that_it_can_share(command: str) -> None:
    run = subprocess.run(
        [ROOT / "script" / command], env=clean_environment(), capture_output=True, text=True, check=False
    )
    assert run.returncode == 2
    assert run.stdout == ""
    (line,) = run.stderr.splitlines()
    assert "WHATTIME_DATABASE_URL is memory://" in line


@pytest.mark.parametrize("command", COMMANDS)
def test_a_script_works_on_the_database_of_the_servers(command: str, tmp_path: Path) -> None:
    migrate, run = (
        run_script(name, folder=tmp_path, WHATTIME_DATABASE_URL="sqlite:///actions.db") for name in ("migrate", command)
    )
    assert (tmp_path / "actions.db").exists()
    assert (migrate.returncode, run.returncode) == (0, 0), migrate.stderr + run.stderr
    assert run.stdout == {"purge": "0\n", "advance": "advanced 0, ended 0, cleaned up 0\n"}[command]


@pytest.mark.parametrize("command", [*COMMANDS, "migrate"])
def test_a_script_explains_itself_without_credentials_and_database(command: str) -> None:
    shown = subprocess.run(
        [ROOT / "script" / command, "--help"], env=clean_environment(), capture_output=True, text=True, check=True
    )
    assert "Usage:" in shown.stdout
    assert shown.stderr == ""


def test_the_help_of_flask_names_our_commands() -> None:
    command = [sys.executable, "-m", "flask", "--app", "app", "--help"]
    shown = subprocess.run(command, cwd=ROOT, env=clean_environment(), capture_output=True, text=True, check=True)
    assert shown.stderr == ""
    for name in COMMANDS:
        assert f"\n  {name} " in shown.stdout


def test_advance_can_repeat_until_it_is_stopped(tmp_path: Path) -> None:
    environment = clean_environment(WHATTIME_DATABASE_URL=f"sqlite:///{tmp_path}/actions.db", PYTHONUNBUFFERED="1")
    command = [sys.executable, "-m", "flask", "--app", "app", "advance", "--every", "0.1"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(2)] == ["advanced 0, ended 0, cleaned up 0\n"] * 2
        process.send_signal(signal.SIGINT)


def run_script(name: str, folder: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "script" / name],
        cwd=folder,
        env=clean_environment(**environment),
        capture_output=True,
        text=True,
        check=False,
    )


def units() -> dict[str, str]:
    """Return the systemd units that docs/operate.md shows, by their names."""
    found = {}
    for name, block in re.findall(r"`/etc/systemd/system/([\w.-]+)`:\n\n((?:    .*\n|\n)+)", GUIDE):
        found[name] = re.sub("^    ", "", block, flags=re.MULTILINE)
    return found


@pytest.fixture
def unit_files(tmp_path: Path) -> list[Path]:
    """The units as files. The programs that they start are replaced by one that exists here."""
    find_program("systemd-analyze", "systemd")
    for name, text in units().items():
        here = text.replace("/opt/whattime/.venv/bin/python", sys.executable).replace("/opt/whattime", str(ROOT))
        (tmp_path / name).write_text(here)
    return sorted(tmp_path.iterdir())


def test_the_guide_has_units_for_the_server_and_both_timers() -> None:
    names = {"whattime.service", "whattime-purge.service", "whattime-purge.timer"}
    assert units().keys() == names | {"whattime-advance.service", "whattime-advance.timer"}
    server = units()["whattime.service"]
    for line in ("Restart=always", "RestartSec=2", "StartLimitIntervalSec=0", "Wants=network-online.target"):
        assert line in server.splitlines()


def test_systemd_accepts_the_units(unit_files: list[Path]) -> None:
    run = subprocess.run(["systemd-analyze", "verify", *unit_files], capture_output=True, text=True, check=False)
    ours = [line for line in run.stderr.splitlines() if "whattime" in line]
    assert ours == []


def test_the_services_are_hardened(unit_files: list[Path]) -> None:
    for path in unit_files:
        if path.suffix == ".service":
            command = ["systemd-analyze", "security", "--offline=yes", "--threshold=20", str(path)]
            run = subprocess.run(command, capture_output=True, text=True, check=False)
            assert run.returncode == 0, run.stdout  # the exposure is at most 2.0
