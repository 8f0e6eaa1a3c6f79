"""What README and docs tell people to type works as written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_globus.directory import PROVIDER_SCOPE
from tests.processes import ROOT, RunningProvider, clean_environment, running_provider, stored_token

DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("tests/*.md")]


def blocks(document: str, language: str) -> list[str]:
    """The code blocks of this language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / document).read_text("utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def provider() -> Iterator[RunningProvider]:
    """A provider with the settings that the README starts it with."""
    command = next(line for line in (ROOT / "README.md").read_text("utf-8").splitlines() if "script/server" in line)
    settings = dict(re.findall(r"WHATTIME_(\w+)=(\S+)", command))
    assert settings
    with running_provider(**settings) as running:
        yield running


def here(text: str, provider: RunningProvider) -> str:
    """A snippet, with the addresses of the provider that the test has started."""
    return text.replace("http://127.0.0.1:5000", provider.url).replace("http://127.0.0.1:5001/", provider.auth_url)


def test_the_tour_with_curl(provider: RunningProvider) -> None:
    tour = [block for block in blocks("README.md", "sh") if "globus-a" not in block]
    script = here("\n".join(f"{block}\necho\n" for block in tour), provider)
    done = subprocess.run(["bash", "-eu"], input=script, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    for word in ("ACTIVE", "SUCCEEDED", '"whattimeisit":', "+05:45", "NotFound", "CANCELLED"):
        assert word in done.stdout
    assert "DeveloperError" not in done.stdout
    assert "InvalidRequest" not in done.stdout


@pytest.fixture
def own_client(tmp_path: Path) -> dict[str, str]:
    """An environment in which the client is installed, without what pip would fetch for that."""
    (tmp_path / "bin").mkdir()
    shim = tmp_path / "bin" / "globus-action"
    shim.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m client "$@"\n')
    shim.chmod(0o755)
    return clean_environment(HOME=str(tmp_path), PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}")


@pytest.mark.parametrize("document", ["README.md", "docs/client.md"])
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


def test_the_programs_with_our_own_client(provider: RunningProvider) -> None:
    (snippet,) = blocks("docs/client.md", "python")
    typed = [sys.executable, "-c", here(snippet, provider)]
    done = subprocess.run(typed, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "whattimeisit" in done.stdout


def test_the_tour_with_the_command_line(provider: RunningProvider, command: str, tmp_path: Path) -> None:
    install, run = (block for block in blocks("README.md", "sh") if "globus-automate" in block)
    assert "'globus-automate-client==0.17.1' 'click<8.2'" in install
    (tmp_path / ".globus_automate_tokens.json").write_text(stored_token(PROVIDER_SCOPE, "local-token-alice"))
    script = here(run, provider).replace("~/globus-automate/bin/globus-automate", command)
    environment = clean_environment(HOME=str(tmp_path))
    done = subprocess.run(["bash", "-eu"], input=script, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert '"whattimeisit"' in done.stdout


def test_the_tour_from_python(provider: RunningProvider) -> None:
    (snippet,) = blocks("README.md", "python")
    done = subprocess.run([sys.executable, "-c", here(snippet, provider)], capture_output=True, text=True, check=True)
    assert "whattimeisit" in done.stdout


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text("utf-8")):
        assert target.startswith("https://") or (document.parent / target).exists(), target


def test_every_library_that_is_required_is_explained() -> None:
    explained = (ROOT / "docs" / "dependencies.md").read_text("utf-8")
    for file in ROOT.glob("requirements*.txt"):
        for name in re.findall(r"^([A-Za-z][\w.-]*)", file.read_text("utf-8"), re.MULTILINE):
            assert f"{name.removeprefix('types-')}" in explained
