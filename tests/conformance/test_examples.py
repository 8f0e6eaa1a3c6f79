"""The suite on our provider with the work modules of `examples/`: one of each kind."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from conformance.__main__ import main
from tests.examples.batch_parts import batch_settings, running_worker
from tests.processes import running_provider

PEOPLE = ("--token", "local-token-alice", "--other-token", "local-token-bob")
INACTIVE = {"an_inactive_action_says_why", "an_inactive_action_can_be_resumed", "managers_can_resume_an_action"}
SYNCHRONOUS = {"a_synchronous_provider_answers_with_the_end"}


def outcomes(example: str, folder: Path, **settings: Any) -> dict[str, str]:
    """Run the suite on a provider with the work of this example. Return the outcome of each rule."""
    name = f"examples.{example}.work"
    body = folder / "body.json"
    body.write_text(json.dumps(importlib.import_module(name).EXAMPLE_BODY))
    with running_provider(WORK=name, **settings) as running:
        command = ["--action-url", running.url, *PEOPLE, "--body", str(body), "--rounds", "5", "--format", "json"]
        done = CliRunner().invoke(main, command)
    return {rule["rule"]: rule["outcome"] for rule in json.loads(done.stdout)["rules"]}


def with_outcome(found: dict[str, str], outcome: str) -> set[str]:
    return {rule for rule, of_this_rule in found.items() if of_this_rule == outcome}


@pytest.fixture
def queue(postgresql: str, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The settings of a provider with a job queue and a worker, which runs the programs that come with the example."""
    settings = batch_settings(postgresql, tmp_path)
    del settings["PROGRAMS"]
    with running_worker(settings):
        yield settings


def test_a_synchronous_provider_conforms(tmp_path: Path) -> None:
    found = outcomes("digest", tmp_path)
    assert with_outcome(found, "WRONG") == set()
    assert {found[rule] for rule in SYNCHRONOUS} == {"ok"}


def test_a_provider_whose_actions_wait_for_a_person_conforms(tmp_path: Path) -> None:
    found = outcomes("approval", tmp_path)
    assert with_outcome(found, "WRONG") == set()
    assert {found[rule] for rule in INACTIVE} == {"ok"}


def test_a_provider_that_acts_as_its_caller_conforms(tmp_path: Path) -> None:
    found = outcomes("my_groups", tmp_path)
    assert with_outcome(found, "WRONG") == set()
    assert found["an_action_comes_to_an_end"] == "ok"


def test_a_provider_with_a_job_queue_conforms(queue: dict[str, str], tmp_path: Path) -> None:
    found = outcomes("batch", tmp_path, **queue)
    assert with_outcome(found, "WRONG") == set()
    assert with_outcome(found, "skipped") == INACTIVE | SYNCHRONOUS
