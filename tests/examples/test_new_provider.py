"""script/new-provider creates a provider that starts, passes its own tests, and keeps to the interface."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from examples.new_provider import ROOT, create, main
from tests.processes import clean_environment, running_provider


def new_provider(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], prog_name="script/new-provider")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    done = new_provider("my_jobs", "--into", tmp_path / "at home")
    assert done.exit_code == 0, done.output
    return tmp_path / "at home" / "my_jobs"


def test_the_result_passes_its_own_tests(folder: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)]
    environment = clean_environment(PYTHONPATH=str(folder.parent), PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "6 passed" in done.stdout


def test_the_result_starts_and_keeps_to_the_interface(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(folder.parent))
    body = tmp_path / "body.json"
    body.write_text('{"count_to": 2}')
    with running_provider(WORK="my_jobs.work", STEP_SECONDS="0.5") as running:
        assert running.banner.startswith("My Jobs runs at http://")
        people = ["--token", "local-token-alice", "--other-token", "local-token-bob"]
        command = [str(ROOT / "script" / "conformance"), "--action-url", running.url, *people, "--body", str(body)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert ", 0 WRONG, " in done.stdout


def test_no_part_of_the_template_is_left(folder: Path) -> None:
    assert sorted(file.name for file in folder.iterdir()) == [
        "README.md",
        "__init__.py",
        "schema.json",
        "test_my_jobs.py",
        "work.py",
    ]
    for file in folder.iterdir():
        assert not re.search(r"TITLE|NAME|\bSTART\b|\bTEST\b|examples.template", file.read_text("utf-8")), file


def test_its_style_is_clean(folder: Path) -> None:
    """As an author would see it when running this repository's linters."""
    for command in (["ruff", "check"], ["ruff", "format", "--check"]):
        options = [*command, "--config", str(ROOT / "pyproject.toml"), str(folder)]
        done = subprocess.run([sys.executable, "-m", *options], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_by_default_it_is_in_the_repository_and_its_readme_says_how_to_start_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = ROOT / "providers" / "made_by_a_test"
    existed = folder.parent.exists()
    try:
        create(folder)
        readme = (folder / "README.md").read_text("utf-8")
        assert "\nWHATTIME_WORK=providers.made_by_a_test.work script/server\n" in readme
        assert "\nscript/test providers/made_by_a_test\n" in readme
        with running_provider(WORK="providers.made_by_a_test.work") as running:
            assert running.banner.startswith("Made By A Test runs at")
    finally:
        shutil.rmtree(folder if existed else folder.parent)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("My Jobs", "Try my_jobs."),
        ("my-jobs", "Try my_jobs."),
        ("9lives", "starting with a letter."),
        ("", "starting with a letter."),
        ("../evil", "Try evil."),
        ("class", "class means something else here"),
        ("app", "app means something else here"),
        ("x" * 41, "up to 40 lowercase letters"),
        ("größe", "up to 40 lowercase letters"),
        ("a\nb", "Try a_b."),
    ],
)
def test_a_bad_name_is_refused_in_one_line(name: str, words: str, tmp_path: Path) -> None:
    done = new_provider(name, "--into", tmp_path)
    assert done.exit_code == 2
    (line,) = [line for line in done.output.splitlines() if line.startswith("Error:")]
    assert words in line
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(folder: Path) -> None:
    (folder / "work.py").write_text("mine")
    done = new_provider("my_jobs", "--into", folder.parent)
    assert done.exit_code == 1
    assert "exists already. Nothing was changed." in done.output
    assert (folder / "work.py").read_text() == "mine"


def test_a_folder_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = new_provider("my_jobs", "--into", tmp_path / "file")
    assert done.exit_code == 1
    assert done.output.startswith("Error: ")
    assert "cannot be created: Not a directory" in done.output


def test_the_script_runs_from_anywhere(tmp_path: Path) -> None:
    command = [str(ROOT / "script" / "new-provider"), "my_jobs", "--into", "here"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "WHATTIME_WORK=my_jobs.work script/server" in done.stdout
    assert (tmp_path / "here" / "my_jobs" / "work.py").exists()
