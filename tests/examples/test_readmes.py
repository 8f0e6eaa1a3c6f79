"""The commands in the examples' READMEs work as written."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.server.local_mode import banner
from app.settings import load
from tests.examples.batch_parts import batch_settings, running_worker
from tests.processes import ROOT, clean_environment, running_provider
from tests.test_documents import blocks, here

PAGES = sorted(ROOT.glob("examples/**/README.md"))


def settings_of(block: str) -> dict[str, Any]:
    """Return the settings with which a block of commands starts the provider."""
    assert "script/server" in block
    return dict(re.findall(r"WHATTIME_(\w+)=(\S+)", block))


def output_of(commands: list[str], provider: Any) -> str:
    """Return what the commands print. They must succeed."""
    script = here("\n".join(commands), provider)
    done = subprocess.run(
        ["bash", "-eu"], input=script, env=clean_environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    for word in ("InvalidRequest", "DeveloperError", "NotFound"):
        assert word not in done.stdout
    return done.stdout


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("digest", ['"status":"SUCCEEDED"', "2cf24dba5fb0a30e26e83b2ac5b9e29e"]),
        (
            "approval",
            ['"status":"INACTIVE"', "Publish the data set?", '"approved_by":"urn:globus', "The action was resumed."],
        ),
        (
            "my_groups",
            [
                '"code":"ConsentRequired"',
                '"status":"SUCCEEDED","display_status":"SUCCEEDED"',
                '"groups":[{"id":"5b1c0de0-0000-4000-8000-0000000009a0"',
                '"groups":[]',
            ],
        ),
    ],
)
def test_the_commands_and_the_command_in_the_banner_work(name: str, words: list[str]) -> None:
    start, *commands = blocks(f"examples/{name}/README.md", "sh")
    with running_provider(**settings_of(start)) as provider:
        printed = output_of(commands, provider)
        command = re.sub(r".*Run an action:\n", "", provider.banner, flags=re.DOTALL)
        assert '"action_id":' in output_of([command], provider)
    for word in words:
        assert word in printed


@pytest.fixture
def queue(postgresql: str, tmp_path: Path) -> Iterator[str]:
    """The URL of a queue with a worker that has the programs which come with the example."""
    url = batch_settings(postgresql, tmp_path)["QUEUE_URL"]
    with running_worker({"QUEUE_URL": url}):
        yield url


def test_the_commands_of_batch_work(queue: str) -> None:
    worker, start, *commands = blocks("examples/batch/README.md", "sh")
    assert "-m examples.batch.worker" in worker
    settings = settings_of(start) | {"QUEUE_URL": queue}
    with running_provider(**settings) as provider:
        printed = output_of(commands, provider)
    assert '"display_status":"running, ' in printed
    assert "pi is about 3." in printed


def test_the_banner_can_be_pasted_whatever_the_example_body_and_the_settings_are() -> None:
    config = load({"WORK": "examples.approval.work"})
    body = {"question": 'What\'s $(up) \\ "here"?'}
    text = banner(
        "http://provider", "http://globus/", "scope", replace(config, work=replace(config.work, example_body=body))
    )
    (line,) = [line for line in text.splitlines() if line.strip().startswith("-d ")]
    assert json.loads(shlex.split(line)[1])["body"] == body
    assert "SELF_APPROVAL=1" not in text  # it is yes or no


def test_our_client_runs_and_watches_them(tmp_path: Path) -> None:
    with running_provider(WORK="examples.digest.work") as provider:
        environment = clean_environment(ACTION_URL=provider.url, ACTION_TOKEN="local-token-alice", HOME=str(tmp_path))
        command = [sys.executable, "-m", "client", "run", "--body", '{"text": "hello"}', "--watch"]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert '"digest": "2cf24dba5fb0' in done.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_links_point_to_existing_files(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text("utf-8")):
        assert target.startswith("https://") or (page.parent / target).exists(), target
