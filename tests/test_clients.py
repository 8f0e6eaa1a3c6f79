"""The real `globus-automate` command line against the started provider."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest
import requests

from tests.api import check_status_document
from tests.local_globus.person import choose
from tests.processes import RunningProvider, clean_environment, running_provider, stored_token

BODY = '{"utc_offset": 1}'


@pytest.fixture(scope="module")
def provider() -> Iterator[RunningProvider]:
    """A provider with actions that outlast any test."""
    with running_provider(MIN_SECONDS="600", MAX_SECONDS="600") as running:
        yield running


class Cli:
    """`globus-automate action …`, with a home directory of its own."""

    def __init__(self, command: str, provider: RunningProvider, home: Path) -> None:
        self.provider = provider
        self.arguments = [command, "action"]
        self.environment = clean_environment(HOME=str(home), **provider.environment)
        self.tokens = home / ".globus_automate_tokens.json"

    def login_with(self, token: str) -> None:
        """Store a token as the command itself does after a login."""
        self.tokens.write_text(stored_token(self.provider.scope, token))

    def options(self, *arguments: str) -> list[str]:
        return [*arguments, "--action-url", self.provider.url, "--action-scope", self.provider.scope]

    def __call__(self, *arguments: str) -> list[Any]:
        """The JSON documents that the command prints, one after the other."""
        command = [*self.arguments, *self.options(*arguments)]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
        assert done.returncode == 0, done.stdout + done.stderr
        documents, text = [], done.stdout.strip()
        while text:
            document, end = json.JSONDecoder().raw_decode(text)
            documents.append(document)
            text = text[end:].strip()
        return documents


@pytest.fixture
def cli(command: str, provider: RunningProvider, tmp_path: Path) -> Cli:
    return Cli(command, provider, tmp_path)


def test_the_whole_life_of_an_action(cli: Cli) -> None:
    cli.login_with("local-token-alice")
    (description,) = cli("introspect")
    assert description["title"] == "What Time Is It Right Now?"
    (started,) = cli("run", "--body", BODY, "--label", "by hand")
    check_status_document(started)
    assert (started["status"], started["label"]) == ("ACTIVE", "by hand")
    (status,) = cli("status", started["action_id"])
    assert status["action_id"] == started["action_id"]
    (cancelled,) = cli("cancel", started["action_id"])
    check_status_document(cancelled)
    assert cancelled["details"]["error"] == "CANCELLED"
    assert cli("release", started["action_id"]) == [cancelled]
    (gone,) = cli("status", started["action_id"])
    assert gone["code"] == "NotFound"


def test_run_and_watch_until_the_end(command: str, tmp_path: Path) -> None:
    with running_provider(MIN_SECONDS="1", MAX_SECONDS="1", FAILURE_RATE="0") as quick:
        cli = Cli(command, quick, tmp_path)
        cli.login_with("local-token-bob")
        documents = cli("run", "--watch", "--body", BODY)
    assert documents[-1]["status"] == "SUCCEEDED"
    assert documents[-1]["details"].keys() == {"whattimeisit"}


def test_the_reason_for_refusing_a_resume_is_shown(cli: Cli) -> None:
    cli.login_with("local-token-alice")
    (started,) = cli("run", "--body", BODY)
    (refused,) = cli("resume", "--no-query-for-inactive-reason", started["action_id"])
    assert refused["code"] == "InvalidState"


def test_error_messages_are_shown(cli: Cli) -> None:
    cli.login_with("local-token-alice")
    (refused,) = cli("run", "--body", '{"utc_offset": 1.1}')
    assert refused["errors"] == [{"code": "InvalidRequest", "detail": "body.utc_offset: 1.1 is not a multiple of 0.25"}]
    cli.login_with("local-token-expired")
    (unknown,) = cli("introspect")
    assert unknown["code"] == "NoAuthentication"


def test_a_person_logs_in_once(cli: Cli) -> None:
    arguments = [*cli.arguments[1:], *cli.options("run", "--body", BODY)]
    terminal = pexpect.spawn(cli.arguments[0], arguments, env=cli.environment, encoding="utf-8", timeout=60)
    terminal.setwinsize(50, 2000)
    terminal.expect(r"http://127\.0\.0\.1:\d+/v2/oauth2/authorize\S+")
    code = choose(re.sub(r"\x1b\[[0-9;]*m", "", str(terminal.after)), "carol")
    terminal.expect("(?i)code.*:")
    terminal.setecho(False)
    terminal.sendline(code)
    terminal.expect("ACTIVE")
    terminal.expect(pexpect.EOF)
    (started,) = cli("run", "--body", BODY)
    token = json.loads(cli.tokens.read_text())[cli.provider.scope]["access_token"]
    status = requests.get(
        f"{cli.provider.url}/{started['action_id']}/status", headers={"Authorization": f"Bearer {token}"}, timeout=60
    )
    assert status.json()["creator_id"].endswith("0000000ca201")
