"""How plain `pytest` runs the tests."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import ROOT

TEST = """
import os

def test_that_names_its_worker():
    print("worker", os.environ.get("PYTEST_XDIST_WORKER"))
"""


def worker(folder: Path, *arguments: str, **environment: str) -> str:
    """Run pytest with these arguments in a project of one test, and return the name of the worker that ran it."""
    (folder / "checks").mkdir()
    (folder / "checks" / "conftest.py").write_text("from tests.parallel import pytest_cmdline_main\n")
    (folder / "checks" / "test_worker.py").write_text(TEST)
    (folder / "pytest.ini").write_text("[pytest]\ntestpaths = checks\n")
    cleaned = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-rP", *arguments],
        cwd=folder,
        env={**cleaned, **environment, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    found = re.search("^worker (.*)$", run.stdout, re.MULTILINE)
    assert found
    return found[1]


def test_plain_pytest_runs_tests_in_parallel(tmp_path: Path) -> None:
    assert worker(tmp_path).startswith("gw")


@pytest.mark.parametrize("arguments", ["checks", "-n 0", "--pdb", "-p no:xdist"])
def test_a_part_of_the_tests_or_an_option_against_it_runs_them_in_one_process(tmp_path: Path, arguments: str) -> None:
    assert worker(tmp_path, *arguments.split()) == "None"


def test_a_worker_starts_no_workers(tmp_path: Path) -> None:
    assert worker(tmp_path, PYTEST_XDIST_WORKER="gw7") == "gw7"
