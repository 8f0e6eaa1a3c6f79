"""The commands in docs/flows.md work as written, and the limits it states are true."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from client.flows import evaluation, functions, group, paths, run, runner, scope, source, visits
from client.flows.check import check
from client.flows.definition import Definition
from client.flows.graph import tree
from tests.processes import ROOT, RunningProvider, clean_environment

DOCUMENT = (ROOT / "docs" / "flows.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment in which the client is installed, without what pip would fetch for that."""
    (tmp_path / "bin").mkdir()
    programs = {"globus-action": "client", "pytest": "pytest -p client.flows.pytest_plugin"}
    for name, module in programs.items():
        shim = tmp_path / "bin" / name
        shim.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m {module} "$@"\n')
        shim.chmod(0o755)
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    return clean_environment(HOME=str(tmp_path), PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}")


def bash(script: str, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        ["bash", "-eu"], input=script, capture_output=True, text=True, env=environment, cwd=folder, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_the_tour(provider: RunningProvider, environment: dict[str, str], tmp_path: Path) -> None:
    install, *tour = (block for block in blocks("sh") if "pytest -q" not in block)
    settings = "\n".join(line for line in install.splitlines() if line.startswith("export "))
    script = "\n".join([settings, *tour]).replace("http://127.0.0.1:5000", provider.url)
    done = bash(script, tmp_path, environment)
    for name in ('"whattimeisit": ', '"failed_tries": 0', '"in_time": true', '"Ana: ', '"response": "yes"'):
        assert name in done.stdout
    assert "exit code 1" in done.stdout
    assert "simplest.json: no errors (1 state)" in done.stderr
    assert "Ask (Action): SUCCEEDED" in done.stderr
    assert (tmp_path / "examples" / "flows" / "run.log").read_text().count("\n") > 5


def test_the_flow_with_a_retry_and_its_tests(environment: dict[str, str], tmp_path: Path) -> None:
    (definition,) = blocks("json")
    (tmp_path / "ask.json").write_text(definition)
    assert check(Definition.load(tmp_path / "ask.json")) == []
    (tmp_path / "test_ask.py").write_text(blocks("python")[0].replace("globus_action", "client"))
    (typed,) = (block for block in blocks("sh") if "pytest -q" in block and "install" not in block)
    assert "3 passed" in bash(typed, tmp_path, environment).stdout


def test_the_finding_that_is_shown(tmp_path: Path) -> None:
    (definition,) = blocks("json")
    (tmp_path / "ask.json").write_text(definition.replace('"Next": "Count"', '"Next": "Cuont"'))
    finding = next(finding for finding in check(Definition.load(tmp_path / "ask.json")))
    shown = next(line for line in DOCUMENT.splitlines() if line.startswith("ask.json: "))
    assert shown == f"ask.json: {finding}"


def test_the_tree_that_is_shown() -> None:
    drawn = tree(Definition.load(ROOT / "examples" / "flows" / "retry.json"))
    assert f"```text\n{drawn}\n```" in DOCUMENT


def test_the_program() -> None:
    snippet = blocks("python")[1].replace("globus_action", "client")
    done = subprocess.run([sys.executable, "-c", snippet], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "SUCCEEDED {'text': 'Hello, world'}\n"


def test_the_limits_are_as_documented() -> None:
    limits = DOCUMENT[DOCUMENT.index("**Limits.**") :].partition("\n\n")[0]
    told = {int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", limits)}
    assert told == {
        source.LARGEST_BYTES // 1_000_000,
        source.MOST_VALUES,
        source.DEEPEST,
        evaluation.MOST_STEPS,
        functions.LARGEST_VALUE,
        runner.MOST_VISITS,
        visits.MOST_VISITS_AT_ONCE,
        run.LARGEST_STATE_BYTES // 1000,
        int(scope.LONGEST_SECONDS),
    }
    assert paths.DEEPEST < source.DEEPEST


def test_the_plugin_and_the_libraries_are_where_the_package_says() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {"globus-action": "globus_action.flows.pytest_plugin"}
    assert (ROOT / "client" / "flows" / "pytest_plugin.py").exists()
    needed = re.findall(r"'([^']+)'", group.INSTALL)
    for file in ("pyproject.toml", "requirements-dev.txt"):
        assert all(requirement in (ROOT / file).read_text("utf-8") for requirement in needed)
