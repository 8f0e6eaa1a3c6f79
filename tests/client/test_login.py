"""Logging in, as a person and as a service, with the stand-in for Globus Auth."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from client.origins import _is_run_by
from tests.client.conftest import BODY, Command, Terminal, seen
from tests.client.odd_provider import DESCRIPTION, SCOPE, Answer, OddProvider, action, running_odd_provider
from tests.local_globus.person import choose
from tests.processes import RunningProvider

SERVICE_ID = "0e0e0e0e-0000-4000-8000-000000000000"


def log_in(terminal: Any, name: str) -> None:
    """Follow the link as this person, and type the code."""
    terminal.expect(r"http://127\.0\.0\.1:\d+/v2/oauth2/authorize\S+")
    code = choose(str(terminal.after), name)
    terminal.expect("Code: ")
    terminal.setecho(False)
    terminal.sendline(code)


def stored(home: Path) -> list[Path]:
    return list(home.glob(".globus/app/*/globus-action/tokens.json"))


def test_a_person_logs_in_once_and_out_again(
    terminal: Terminal, tmp_path: Path, slow_provider: RunningProvider
) -> None:
    first = terminal("run", "-b", BODY, BROWSER="/no/such/browser")
    first.expect("You are not logged in for this provider yet.\r\n")
    first.expect_exact("Open this link, ")
    assert "browser" not in first.before
    log_in(first, "carol")
    assert '"status": "ACTIVE"' in seen(first)
    (tokens,) = stored(tmp_path)
    assert tokens.stat().st_mode & 0o777 == 0o600
    assert "creator_id" in seen(terminal("list", "--format", "json"))
    assert seen(terminal("whoami")) == "carol@local.example\n"
    assert "You are logged in already, as carol@local.example." in seen(terminal("login"))
    token = next(iter(json.loads(tokens.read_text())["data"]["DEFAULT"].values()))["access_token"]
    assert seen(terminal("logout")) == "You are logged out.\n"
    assert stored(tmp_path) == []
    refused = requests.get(
        f"{slow_provider.auth_url}v2/oauth2/userinfo", headers={"Authorization": f"Bearer {token}"}, timeout=5
    )
    assert refused.status_code == 401
    assert seen(terminal("logout")) == "You were not logged in.\n"


def test_a_person_logs_in_by_a_browser(terminal: Terminal, tmp_path: Path) -> None:
    browser = tmp_path / "browser.py"
    browser.write_text("import sys, requests; requests.get(sys.argv[1] + '&as=bob', timeout=5)")
    line = f"{shlex.quote(sys.executable)} {shlex.quote(str(browser))} %s &"
    assert "You are logged in as bob@local.example." in seen(
        terminal("login", BROWSER=line, SSH_TTY="", SSH_CONNECTION="")
    )


def test_somebody_else_has_to_log_out_first(terminal: Terminal) -> None:
    login = terminal("login", "--no-browser")
    log_in(login, "alice")
    assert "You are logged in as alice@local.example." in seen(login)
    again = terminal("login", "--no-browser", "--force", NO_COLOR="1")
    log_in(again, "bob")
    assert "Error: You are logged in as somebody else already: `logout` comes first.\n" in seen(again, 3)


def test_a_login_that_is_given_up(terminal: Terminal) -> None:
    login = terminal("login", "--no-browser")
    login.expect("Code: ")
    login.sendintr()
    seen(login, 130)
    wrong = terminal("login", "--no-browser", NO_COLOR="1")
    wrong.expect("Code: ")
    wrong.sendline("not a code")
    assert "Error: Globus Auth refuses: 400 invalid_grant: the code is not valid" in seen(wrong, 3)


@pytest.fixture
def local_auth(monkeypatch: pytest.MonkeyPatch, slow_provider: RunningProvider) -> None:
    for name, value in slow_provider.environment.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("local_auth")
def test_a_service_needs_no_login(
    command: Command, slow_provider: RunningProvider, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ACTION_CLIENT_ID", SERVICE_ID)
    monkeypatch.setenv("ACTION_CLIENT_SECRET", "local-client-secret")
    started = command("run", "-v", "-b", BODY, url=slow_provider.url)
    assert started.json["creator_id"].endswith(SERVICE_ID)
    assert "local-client-secret" not in started.err
    assert command("whoami").json["sub"] == SERVICE_ID
    assert [path.stat().st_mode & 0o777 for path in stored(tmp_path)] == [0o600]
    command("logout")
    monkeypatch.setenv("ACTION_CLIENT_SECRET", "something else")
    refused = command("whoami")
    assert (refused.exit_code, refused.out) == (3, "")
    assert "401 invalid_client" in refused.err


@pytest.mark.usefixtures("local_auth")
def test_without_a_terminal_nobody_is_asked(command: Command, slow_provider: RunningProvider) -> None:
    done = command("run", "-b", BODY, url=slow_provider.url)
    assert (done.exit_code, done.out) == (3, "")
    assert done.err == "Error: You are not logged in for this provider: `login` first, or set ACTION_TOKEN.\n"


def test_without_a_client_id_it_says_how_to_get_one(command: Command) -> None:
    done = command("login", url="https://actions.example.org/time")
    assert (done.exit_code, done.out) == (3, "")
    assert "https://app.globus.org/settings/developers" in done.err


@pytest.mark.parametrize("typed", ["login", "list", "whoami", "logout"])
def test_for_a_provider_here_it_says_how_local_mode_logs_in(
    command: Command, slow_provider: RunningProvider, typed: str
) -> None:
    done = command(typed, url=slow_provider.url)
    assert (done.exit_code, done.out) == (3, "")
    assert "set ACTION_TOKEN (or --token)" in done.err
    assert "export GLOBUS_SDK_SERVICE_URL_AUTH=http://127.0.0.1:5001/" in done.err
    assert "developers" not in done.err


def test_a_token_of_local_mode_is_not_sent_to_globus(
    command: Command, slow_provider: RunningProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[object] = []
    monkeypatch.setattr("globus_sdk.AuthClient.userinfo", lambda *_: sent.append(1))
    done = command("whoami", url=slow_provider.url, token="local-token-alice")
    assert (done.exit_code, done.out, sent) == (2, "", [])
    assert "export GLOBUS_SDK_SERVICE_URL_AUTH=http://127.0.0.1:5001/" in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("typed", ["login", "logout"])
def test_a_token_is_neither_logged_in_nor_out(command: Command, typed: str) -> None:
    done = command(typed, token="local-token-alice")
    assert (done.exit_code, done.out) == (2, "")
    assert done.err.startswith("Error: There is a token (--token, ACTION_TOKEN): with it, there is no")
    assert done.err.count("\n") == 1


def test_the_client_id_of_the_last_login_is_remembered(command: Command, tmp_path: Path) -> None:
    for number in (1, 2):
        tokens = tmp_path / f".globus/app/0e0e0e0e-0000-4000-8000-00000000000{number}/globus-action/tokens.json"
        tokens.parent.mkdir(parents=True)
        tokens.write_text("not what the SDK has written")
        done = command("whoami")
        assert done.out == ""
        if number == 1:
            assert "tokens.json" in done.err
    assert done.exit_code == 2
    assert done.err.count("0e0e0e0e") == 2


@pytest.mark.usefixtures("local_auth")
def test_whose_a_token_is(command: Command) -> None:
    assert command("whoami", token="local-token-bob").json["preferred_username"] == "bob@local.example"
    unknown = command("whoami", token="local-token-expired")
    assert (unknown.exit_code, unknown.out) == (3, "")


def test_resuming_asks_for_the_consent_that_is_wanted(terminal: Terminal, odd: OddProvider) -> None:
    needed = f"{SCOPE}[https://auth.globus.org/scopes/{SERVICE_ID}/more]"
    details = {"code": "ConsentRequired", "required_scope": needed}
    odd.answer("GET /a/status", action("INACTIVE", details=details), action("SUCCEEDED"))
    odd.answer("POST /a/resume", action("ACTIVE"))
    login = terminal("login", "--no-browser", ACTION_URL=odd.url)
    log_in(login, "alice")
    seen(login)
    resume = terminal("resume", "a", "--watch", ACTION_URL=odd.url, BROWSER="/no/such/browser")
    resume.expect("The action waits for your consent to")
    log_in(resume, "alice")
    assert '"status": "SUCCEEDED"' in seen(resume)
    assert odd.tokens[-1] != next(token for token in odd.tokens if token)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch, local_auth: None) -> None:
    monkeypatch.setenv("ACTION_CLIENT_ID", SERVICE_ID)
    monkeypatch.setenv("ACTION_CLIENT_SECRET", "local-client-secret")


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize("scope", [SCOPE, SCOPE.replace("action_all", "another")])
@pytest.mark.parametrize("told", ["by the document", "by the refusal"])
def test_a_provider_does_not_get_the_token_of_another_one(
    command: Command, odd: OddProvider, tmp_path: Path, told: str, scope: str
) -> None:
    odd.answer("GET /a/status", action("ACTIVE"))
    assert command("status", "a", url=odd.url).exit_code == 0
    (file,) = tmp_path.glob(".globus/app/*/globus-action/providers.json")
    assert file.stat().st_mode & 0o777 == 0o600
    with running_odd_provider() as hostile:
        challenge = Answer(401, "", {"WWW-Authenticate": f'Bearer scope="{scope}"'})
        document = Answer(body={**DESCRIPTION, "globus_auth_scope": scope})
        hostile.answer("GET /", document if told == "by the document" else challenge)
        hostile.answer("GET /a/status", action("ACTIVE"))
        for typed in ("status a", "run -b {}", "login"):
            refused = command(*typed.split(), url=hostile.url)
            assert (refused.exit_code, refused.out) == (3, "")
            assert f"your token for {odd.url} " in refused.err
            assert refused.err.endswith(f"if you trust this provider, give --action-scope {scope}\n")
        assert set(hostile.tokens) == {None}
        assert command("status", "a", "--action-scope", scope, url=hostile.url).exit_code == 0
        assert command("status", "a", url=hostile.url).exit_code == 0
    assert command("status", "a", url=f"{odd.url}/").exit_code == 0
    command("logout")
    assert not file.exists()


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize(
    "scope",
    [
        "urn:globus:auth:scope:transfer.api.globus.org:all",
        "https://auth.globus.org/scopes/groups.api.globus.org/all",
        "https://auth.globus.org/scopes/auth.globus.org/all",
        "https://auth.globus.org/scopes/eec9b274-0c81-4334-bdc2-54e90e689b9a/manage_flows",
        f"{SCOPE}[urn:globus:auth:scope:transfer.api.globus.org:all]",
        SCOPE.replace("auth.globus.org", "auth.example.org"),
    ],
)
def test_a_provider_does_not_get_a_token_for_a_service_of_globus(
    command: Command, odd: OddProvider, scope: str
) -> None:
    odd.answer("GET /", Answer(body={**DESCRIPTION, "globus_auth_scope": scope}))
    refused = command("status", "a", url=odd.url)
    assert (refused.exit_code, set(odd.tokens)) == (3, {None})
    assert "is not one of an Action Provider" in refused.err


@pytest.mark.parametrize(
    ("url", "is_run_by"),
    [
        ("https://actions.globus.org/hello_world", True),
        ("https://transfer.actions.globus.org/transfer", True),
        ("http://actions.globus.org/hello_world", False),
        ("https://notactions.globus.org/hello_world", False),
        ("https://actions.globus.org.example.org/", False),
    ],
)
def test_the_providers_of_one_domain_may_share_its_resource_server(url: str, is_run_by: bool) -> None:
    assert _is_run_by("actions.globus.org", url) == is_run_by


def test_a_token_is_not_said_to_be_missing_a_consent_silently(command: Command, odd: OddProvider) -> None:
    details = {"code": "ConsentRequired", "required_scope": SCOPE}
    odd.answer("GET /a/status", action("INACTIVE", details=details))
    odd.answer("POST /a/resume", Answer(409, {"description": "No consent."}))
    done = command("resume", "a", url=odd.url, token="a-token-of-mine")
    assert done.exit_code == 5
    assert f"The action waits for a token with your consent to {SCOPE}" in done.err
