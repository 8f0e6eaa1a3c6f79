"""What README and docs tell people to type works as written, and prints what they show."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import config
from app import whattime
from local_globus.directory import PROVIDER_SCOPE
from tests.processes import ROOT, RunningProvider, clean_environment, running_provider, stored_token

DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("tests/*.md")]
TESTED_ELSEWHERE = {
    "docs/flows.md": "tests/flows/test_docs.py",
    "docs/local-globus.md": "tests/local_globus/test_document.py",
    "docs/your-own-provider.md": "tests/examples/test_tutorial.py",
}
TESTED_HERE = {"README.md", "docs/tutorial.md", "docs/client.md", "docs/globus-automate.md"}


def blocks(document: str, language: str) -> list[str]:
    """The code blocks of this language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / document).read_text("utf-8"), re.MULTILINE | re.DOTALL)


def normal(text: str) -> str:
    """A text without what differs each time: ids and times. Offsets from UTC stay."""
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", text)
    return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?", "TIME", text)


def documents_in(printed: str) -> list[dict[str, Any]]:
    """The JSON objects that were printed, each on its own line."""
    return [json.loads(normal(line)) for line in printed.splitlines() if line.startswith("{")]


@pytest.fixture(scope="module")
def provider() -> Iterator[RunningProvider]:
    """A provider with the settings that README and tutorial start it with."""
    texts = [(ROOT / document).read_text("utf-8") for document in TESTED_HERE]
    (command,) = {command for text in texts for command in re.findall(r"^ *(WHATTIME_.*)$", text, re.MULTILINE)}
    assert command.endswith(" script/server")
    settings = dict(re.findall(r"WHATTIME_(\w+)=(\S+)", command))
    with running_provider(**settings) as running:
        yield running


def here(text: str, provider: RunningProvider) -> str:
    """A snippet, with the addresses of the provider that the test has started."""
    return text.replace("http://127.0.0.1:5000", provider.url).replace("http://127.0.0.1:5001/", provider.auth_url)


def test_the_quickstart_prints_what_the_readme_shows(provider: RunningProvider, tmp_path: Path) -> None:
    start, run = blocks("README.md", "sh")
    assert start.splitlines()[1].startswith("WHATTIME_")
    script = here(run, provider).replace(".venv/bin/python", sys.executable)
    environment = clean_environment(HOME=str(tmp_path))
    done = subprocess.run(
        ["bash", "-eu"], input=script, capture_output=True, text=True, env=environment, cwd=ROOT, check=True
    )
    (shown,) = blocks("README.md", "text")
    parts = [re.escape(part) for part in normal(shown).split("\n  …\n")]
    assert re.fullmatch("(?s)" + "\n.*\n".join(parts), normal(done.stderr + done.stdout))


def test_the_tour_with_curl(provider: RunningProvider) -> None:
    tour = [block for block in blocks("docs/tutorial.md", "sh") if "globus-a" not in block]
    script = re.sub(r"^(curl .*)$", r"\1; echo", here("\n".join(tour), provider), flags=re.MULTILINE)
    done = subprocess.run(["bash", "-eu"], input=script, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    for word in ("ACTIVE", "SUCCEEDED", '"whattimeisit":', "+05:45", "NotFound", "CANCELLED"):
        assert word in done.stdout
    assert "DeveloperError" not in done.stdout
    assert "InvalidRequest" not in done.stdout
    printed = documents_in(done.stdout)
    for block in blocks("docs/tutorial.md", "json"):
        shown = json.loads(normal(block))
        assert any(shown.items() <= document.items() for document in printed), f"not printed: {shown}"


@pytest.fixture
def own_client(tmp_path: Path) -> dict[str, str]:
    """An environment in which the client is installed, without what pip would fetch for that."""
    (tmp_path / "bin").mkdir()
    shim = tmp_path / "bin" / "globus-action"
    shim.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m client "$@"\n')
    shim.chmod(0o755)
    return clean_environment(HOME=str(tmp_path), PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}")


@pytest.mark.parametrize("document", ["docs/tutorial.md", "docs/client.md"])
def test_the_tours_with_our_own_client(
    document: str, provider: RunningProvider, own_client: dict[str, str], tmp_path: Path
) -> None:
    install, *tour = (block for block in blocks(document, "sh") if "globus-action" in block)
    assert "pip install --quiet .\nPATH=$PATH:~/globus-action/bin\n" in install  # it holds a python3, too
    assert " #" not in "".join(tour)  # zsh takes no comments at its prompt
    settings = "\n".join(line for line in install.splitlines() if line.startswith("export "))
    script = here("\n".join([settings, *tour]), provider)
    done = subprocess.run(
        ["bash", "-eu"], input=script, capture_output=True, text=True, env=own_client, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stderr
    for word in ('"title": "What Time Is It Right Now?"', '"whattimeisit": ', '"error": "CANCELLED"', "exit code 2"):
        assert word in done.stdout
    assert "utc_offset: 25 is greater than or equal to the maximum of 24" in done.stderr
    assert "Trying again" not in done.stderr
    for line in "".join(blocks(document, "text")).splitlines():
        assert line in f"{done.stderr}{done.stdout}".splitlines()


def test_the_programs_with_our_own_client(provider: RunningProvider) -> None:
    (snippet,) = blocks("docs/client.md", "python")
    typed = [sys.executable, "-c", here(snippet, provider)]
    done = subprocess.run(typed, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "whattimeisit" in done.stdout


def test_the_tour_with_the_command_line(provider: RunningProvider, command: str, tmp_path: Path) -> None:
    install, run = blocks("docs/globus-automate.md", "sh")
    assert "'globus-automate-client==0.17.1' 'click<8.2'" in install
    (tmp_path / ".globus_automate_tokens.json").write_text(stored_token(PROVIDER_SCOPE, "local-token-alice"))
    script = here(run, provider).replace("~/globus-automate/bin/globus-automate", command)
    environment = clean_environment(HOME=str(tmp_path))
    done = subprocess.run(["bash", "-eu"], input=script, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert '"whattimeisit"' in done.stdout


def test_the_tour_from_python(provider: RunningProvider) -> None:
    (snippet,) = blocks("docs/tutorial.md", "python")
    done = subprocess.run([sys.executable, "-c", here(snippet, provider)], capture_output=True, text=True, check=True)
    assert "whattimeisit" in done.stdout


def test_each_page_with_snippets_has_a_test_that_runs_them() -> None:
    with_snippets = {
        page.relative_to(ROOT).as_posix()
        for page in DOCUMENTS
        if re.search(r"^```(sh|python|json)$", page.read_text("utf-8"), re.MULTILINE)
    }
    assert with_snippets == TESTED_HERE | TESTED_ELSEWHERE.keys()
    for page, test in TESTED_ELSEWHERE.items():
        assert page.removeprefix("docs/") in (ROOT / test).read_text("utf-8")


def test_each_setting_is_explained_with_its_default() -> None:
    page = (ROOT / "docs" / "settings.md").read_text("utf-8")
    rows = re.findall(r"^\| (`[A-Z].*?) \| (.+?) \| .+ \|$", page, re.MULTILINE)
    told = {name: default.strip("`") for names, default in rows for name in re.findall(r"`(\w+)`", names)}
    defaults = {name: value for name, value in vars(config).items() if name.isupper()}
    defaults |= {name: setting.default for name, setting in whattime.SETTINGS.items()}
    assert told == {name: "none" if value is None else str(value) for name, value in defaults.items()}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text("utf-8")):
        assert target.startswith("https://") or (document.parent / target).exists(), target


def test_every_library_that_is_required_is_explained() -> None:
    explained = (ROOT / "docs" / "dependencies.md").read_text("utf-8")
    for file in ROOT.glob("requirements*.txt"):
        for name in re.findall(r"^([A-Za-z][\w.-]*)", file.read_text("utf-8"), re.MULTILINE):
            assert f"{name.removeprefix('types-')}" in explained
