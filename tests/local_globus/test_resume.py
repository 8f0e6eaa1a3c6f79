"""An action waits for consent, its owner gives it on the login page, and the action continues."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import globus_sdk
import pexpect
import pytest

from local_globus.directory import CLIENT_SECRET, PROVIDER_CLIENT_ID, PROVIDER_SCOPE
from local_globus.server import RunningGlobus
from tests.local_globus.consenting_provider import ConsentingProvider, consenting_provider
from tests.local_globus.person import consent
from tests.processes import clean_environment, stored_token

TRANSFER = "urn:globus:auth:scope:transfer.api.globus.org:all"
CLIENT = "0e0e0e0e-0000-4000-8000-000000000000"

Served = tuple[str, ConsentingProvider]


@pytest.fixture
def served(running: RunningGlobus) -> Iterator[Served]:
    client = globus_sdk.ConfidentialAppAuthClient(PROVIDER_CLIENT_ID, CLIENT_SECRET)
    with consenting_provider(client, PROVIDER_SCOPE, TRANSFER) as url_and_provider:
        yield url_and_provider


def request(url: str, path: str, token: str = "local-token-alice") -> Any:
    client = globus_sdk.BaseClient(base_url=url, authorizer=globus_sdk.AccessTokenAuthorizer(token))
    return client.post(path, data={"request_id": "r", "body": {}}).data


def test_the_same_local_token_works_after_the_consent(served: Served) -> None:
    url, provider = served
    waiting = request(url, "/run")
    assert waiting["status"] == "INACTIVE"
    login = globus_sdk.NativeAppAuthClient(CLIENT)
    login.oauth2_start_flow(waiting["details"]["required_scope"])
    tokens = login.oauth2_exchange_code_for_tokens(consent(login.oauth2_get_authorize_url(), "alice"))
    assert request(url, f"/{waiting['action_id']}/resume")["status"] == "SUCCEEDED"
    assert request(url, "/run", tokens.by_resource_server[PROVIDER_CLIENT_ID]["access_token"])["status"] == "SUCCEEDED"
    assert request(url, "/run", "local-token-bob")["status"] == "INACTIVE"
    assert provider.required_scope == waiting["details"]["required_scope"]


def test_the_old_command_line_resumes(command: str, served: Served, running: RunningGlobus, tmp_path: Path) -> None:
    url, provider = served
    action_id = request(url, "/run")["action_id"]
    (tmp_path / ".globus_automate_tokens.json").write_text(stored_token(PROVIDER_SCOPE, "local-token-alice"))
    environment = clean_environment(HOME=str(tmp_path), **running.environment)
    arguments = ["action", "resume", action_id, "--action-url", url, "--action-scope", PROVIDER_SCOPE]
    terminal = pexpect.spawn(command, arguments, env=environment, encoding="utf-8", timeout=60)
    terminal.setwinsize(50, 2000)
    terminal.expect(r"http://127\.0\.0\.1:\d+/v2/oauth2/authorize\S+")
    code = consent(re.sub(r"\x1b\[[0-9;]*m", "", str(terminal.after)), "alice")
    terminal.expect("(?i)code.*:")
    terminal.setecho(False)
    terminal.sendline(code)
    terminal.expect(pexpect.EOF)
    assert '"status": "SUCCEEDED"' in str(terminal.before)
    assert provider.actions[action_id]["details"] == {"scope": TRANSFER}
    assert PROVIDER_SCOPE in "".join(json.loads((tmp_path / ".globus_automate_tokens.json").read_text()))
