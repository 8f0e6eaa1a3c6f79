"""Logging in, as a person and as a service, with the stand-in for Globus Auth."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from globus_sdk.globus_app import ClientApp

from client import ActionClient
from client.local_mode import how_to_select_auth
from client.origins import _is_run_by
from client.services import may_receive
from client.waiting import required_scope, scope_to_request
from tests.client.conftest import BODY, Command, Terminal, seen
from tests.client.odd_provider import DESCRIPTION, SCOPE, CannedResponse, OddProvider, action, running_odd_provider
from tests.local_globus.person import choose
from tests.processes import RunningProvider

SERVICE_ID = "0e0e0e0e-0000-4000-8000-000000000000"


def log_in(terminal: Any, name: str) -> str:
    """Follow the link as this person, type the code, and return the link."""
    terminal.expect(r"http://127\.0\.0\.1:\d+/v2/oauth2/authorize\S+")
    link = str(terminal.after)
    code = choose(link, name)
    terminal.expect("Code: ")
    terminal.setecho(False)
    terminal.sendline(code)
    return link


def stored(home: Path) -> list[Path]:
    return list(home.glob(".globus/app/*/globus-action/tokens.json"))


def test_a_person_logs_in_once_and_out_again(
    terminal: Terminal, tmp_path: Path, slow_provider: RunningProvider
) -> None:
    first = terminal("run", "-b", BODY, BROWSER="/no/such/browser")
    first.expect("You are not logged in for this provider yet.\r\n")
    first.expect_exact("Open this link, ")
    assert "browser" not in first.before
    log_in(first, "bob")
    assert '"status": "ACTIVE"' in seen(first)
    (tokens,) = stored(tmp_path)
    assert tokens.stat().st_mode & 0o777 == 0o600
    assert "creator_id" in seen(terminal("list", "--format", "json"))
    assert seen(terminal("whoami")) == "bob@local.example\n"
    assert "You are already logged in as bob@local.example." in seen(terminal("login"))
    token = next(iter(json.loads(tokens.read_text())["data"]["DEFAULT"].values()))["access_token"]
    assert seen(terminal("logout")) == "You are logged out.\n"
    assert stored(tmp_path) == []
    refused = requests.get(
        f"{slow_provider.auth_url}v2/oauth2/userinfo", headers={"Authorization": f"Bearer {token}"}, timeout=60
    )
    assert refused.status_code == 401
    assert seen(terminal("logout")) == "You were not logged in.\n"


def test_a_person_logs_in_with_a_browser(terminal: Terminal, tmp_path: Path) -> None:
    browser = tmp_path / "browser.py"
    browser.write_text("import sys, requests; requests.get(sys.argv[1] + '&as=bob', timeout=60)")
    line = f"{shlex.quote(sys.executable)} {shlex.quote(str(browser))} %s &"
    assert "You are logged in as bob@local.example." in seen(
        terminal("login", BROWSER=line, SSH_TTY="", SSH_CONNECTION="")
    )


def test_another_person_cannot_log_in_without_a_logout(terminal: Terminal) -> None:
    login = terminal("login", "--no-browser")
    log_in(login, "alice")
    assert "You are logged in as alice@local.example." in seen(login)
    again = terminal("login", "--no-browser", "--force", NO_COLOR="1")
    log_in(again, "bob")
    assert "Error: You are already logged in as another person: `logout` first.\n" in seen(again, 3)


def test_a_login_can_be_interrupted_or_fail(terminal: Terminal) -> None:
    login = terminal("login", "--no-browser")
    login.expect("Code: ")
    login.sendintr()
    seen(login, 130)
    wrong = terminal("login", "--no-browser", NO_COLOR="1")
    wrong.expect("Code: ")
    wrong.sendline("not a code")
    assert "Error: Globus Auth refused: 400 invalid_grant: the code is not valid" in seen(wrong, 3)


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
    scope = ("--action-scope", slow_provider.scope)
    started = command("run", "-v", "-b", BODY, *scope, url=slow_provider.url)
    assert started.json["creator_id"].endswith(SERVICE_ID)
    assert "local-client-secret" not in started.err
    assert command("status", started.json["action_id"], url=slow_provider.url).exit_code == 0
    assert command("whoami").json["sub"] == SERVICE_ID
    assert [path.stat().st_mode & 0o777 for path in stored(tmp_path)] == [0o600]
    command("logout")
    monkeypatch.setenv("ACTION_CLIENT_SECRET", "something else")
    refused = command("whoami")
    assert (refused.exit_code, refused.out) == (3, "")
    assert "401 invalid_client" in refused.err


@pytest.mark.usefixtures("local_auth")
def test_without_a_terminal_there_is_no_login(command: Command, slow_provider: RunningProvider) -> None:
    done = command("run", "-b", BODY, url=slow_provider.url)
    assert (done.exit_code, done.out) == (3, "")
    assert done.err == "Error: You are not logged in for this provider: `login` first, or set ACTION_TOKEN.\n"


def test_without_a_client_id_it_says_how_to_get_one(command: Command) -> None:
    done = command("login", url="https://actions.example.org/time")
    assert (done.exit_code, done.out) == (3, "")
    assert "https://app.globus.org/settings/developers" in done.err


@pytest.mark.parametrize("typed", ["login", "list", "whoami", "logout"])
def test_for_a_local_provider_it_says_how_to_log_in_in_local_mode(
    command: Command, slow_provider: RunningProvider, typed: str
) -> None:
    done = command(typed, url=slow_provider.url)
    assert (done.exit_code, done.out) == (3, "")
    assert "Set ACTION_TOKEN or --token" in done.err
    assert "export GLOBUS_SDK_SERVICE_URL_AUTH=http://127.0.0.1:AUTH_PORT/ with the provider's --auth-port" in done.err
    assert "developers" not in done.err


def test_the_stand_in_is_named_if_it_is_at_the_usual_port(slow_provider: RunningProvider) -> None:
    auth_port = urlsplit(slow_provider.auth_url).port
    assert auth_port is not None
    command = f"export GLOBUS_SDK_SERVICE_URL_AUTH=http://127.0.0.1:{auth_port}/"
    assert how_to_select_auth(f"http://127.0.0.1:{auth_port - 1}") == command
    assert "AUTH_PORT" in how_to_select_auth(slow_provider.url, is_auth=lambda url: False)
    assert "AUTH_PORT" in how_to_select_auth("http://127.0.0.1")


def test_a_token_of_local_mode_is_not_sent_to_globus(
    command: Command, slow_provider: RunningProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[object] = []
    monkeypatch.setattr("globus_sdk.AuthClient.userinfo", lambda *_: sent.append(1))
    done = command("whoami", url=slow_provider.url, token="local-token-alice")
    assert (done.exit_code, done.out, sent) == (2, "", [])
    assert "export GLOBUS_SDK_SERVICE_URL_AUTH=http://127.0.0.1:AUTH_PORT/ with the provider's --auth-port" in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("typed", ["login", "logout"])
def test_login_and_logout_refuse_a_token(command: Command, typed: str) -> None:
    done = command(typed, token="local-token-alice")
    assert (done.exit_code, done.out) == (2, "")
    assert done.err.startswith("Error: A token is given (--token, ACTION_TOKEN), so there is nothing to log ")
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
def test_whoami_names_the_owner_of_a_token(command: Command) -> None:
    assert command("whoami", token="local-token-bob").json["preferred_username"] == "bob@local.example"
    unknown = command("whoami", token="local-token-expired")
    assert (unknown.exit_code, unknown.out) == (3, "")


DEPENDENT = f"https://auth.globus.org/scopes/{SERVICE_ID}/more"
NEEDED = f"{SCOPE}[{DEPENDENT}]"


def needs_consent(scope: str = NEEDED) -> CannedResponse:
    details = {"code": "ConsentRequired", "description": "It reads your groups.", "required_scope": scope}
    return action("INACTIVE", details=details)


def authorized_scopes(link: str) -> set[str]:
    """Return the scopes that an authorize URL asks for."""
    return set(parse_qs(urlsplit(link).query)["scope"][0].split(" "))


@pytest.mark.parametrize(
    ("typed", "scope"), [("resume a --watch", NEEDED), ("status a --watch", DEPENDENT), ("run -b {} --watch", NEEDED)]
)
def test_a_person_is_asked_for_the_consent_that_an_action_waits_for(
    terminal: Terminal, odd: OddProvider, typed: str, scope: str
) -> None:
    odd.answer("POST /run", action("ACTIVE"))
    odd.answer("GET /a/status", needs_consent(scope), action("SUCCEEDED"))
    odd.answer("POST /a/resume", action("ACTIVE"))
    login = terminal("login", "--no-browser", ACTION_URL=odd.url)
    log_in(login, "alice")
    seen(login)
    watching = terminal(*typed.split(), ACTION_URL=odd.url, BROWSER="/no/such/browser")
    watching.expect_exact("The action needs your consent: It reads your groups (ConsentRequired).")
    link = log_in(watching, "alice")
    assert NEEDED in authorized_scopes(link)
    assert '"status": "SUCCEEDED"' in seen(watching)
    assert odd.requests.count("POST /a/resume") == 1
    assert odd.tokens[-1] != next(token for token in odd.tokens if token)


def test_a_consent_that_does_not_help_is_asked_for_once(terminal: Terminal, odd: OddProvider) -> None:
    odd.answer("GET /a/status", needs_consent())
    odd.answer("POST /a/resume", action("ACTIVE"))
    login = terminal("login", "--no-browser", ACTION_URL=odd.url)
    log_in(login, "alice")
    seen(login)
    watching = terminal("status", "--watch", "a", ACTION_URL=odd.url, BROWSER="/no/such/browser")
    log_in(watching, "alice")
    said = seen(watching, 7)
    assert '"status": "INACTIVE"' in said
    assert "Resume it at a terminal, to log in with your consent:" in said


def test_at_a_terminal_an_action_that_waits_for_something_else_is_still_watched(
    terminal: Terminal, odd: OddProvider
) -> None:
    waiting = action("INACTIVE", details={"code": "Approval", "description": "Say yes."})
    odd.answer("GET /a/status", waiting, waiting, action("SUCCEEDED"))
    watching = terminal("status", "--watch", "a", ACTION_URL=odd.url, ACTION_TOKEN="a-token-of-mine")
    said = seen(watching)
    assert said.count("The action is waiting: Say yes (Approval). To resume it: python -m client resume a") == 1
    assert '"status": "SUCCEEDED"' in said


def test_a_service_consents_by_naming_the_scope(command: Command, odd: OddProvider, service: None) -> None:
    odd.answer("GET /a/status", needs_consent(DEPENDENT))
    odd.answer("POST /a/resume", action("SUCCEEDED"))
    assert command("status", "a", "--action-scope", SCOPE, url=odd.url).exit_code == 0
    for typed in ("resume a", "status --watch a"):
        done = command(*typed.split(), url=odd.url)
        assert (done.exit_code, done.json["status"]) == (7, "INACTIVE")
        assert done.err.endswith(f" resume --action-scope '{NEEDED}' a\n")
    assert "POST /a/resume" not in odd.requests
    assert command("resume", "a", "--action-scope", NEEDED, url=odd.url).exit_code == 0


@pytest.mark.parametrize(
    ("needed", "requested"),
    [
        (NEEDED, NEEDED),
        (DEPENDENT, NEEDED),
        (SCOPE, SCOPE),
        ("urn:globus:auth:scope:groups.api.globus.org:view_my_groups",
         f"{SCOPE}[urn:globus:auth:scope:groups.api.globus.org:view_my_groups]"),
        ("openid", None),
        (f"{SCOPE} {DEPENDENT}", None),
        (f"{SCOPE}[", None),
        ("", None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("own", [SCOPE, f"{SCOPE}[{DEPENDENT}]"])
def test_a_consent_is_always_to_a_scope_of_the_provider(own: str, needed: str, requested: str | None) -> None:
    assert scope_to_request(own, needed) == requested


@pytest.mark.parametrize(
    ("details", "scope"),
    [
        ({"code": "ConsentRequired", "required_scope": SCOPE}, SCOPE),
        ({"code": "ConsentRequired", "authorization_parameters": {"required_scopes": [SCOPE]}}, SCOPE),
        ({"code": "Approval", "required_scope": SCOPE}, None),
        ({"code": "ConsentRequired", "required_scope": f"{SCOPE}\n"}, None),
        ({"code": "ConsentRequired", "required_scope": "[" * 100_000}, None),
        ({"code": "ConsentRequired", "required_scope": 7, "authorization_parameters": []}, None),
        ({"code": "ConsentRequired", "authorization_parameters": {"required_scopes": 7}}, None),
        (None, None),
    ],
    ids=lambda value: str(value)[:60],
)
def test_which_scope_an_action_waits_for(details: Any, scope: str | None) -> None:
    assert required_scope({"status": "INACTIVE", "details": details}) == scope
    assert required_scope({"status": "ACTIVE", "details": details}) is None


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
    assert command("status", "a", "--action-scope", SCOPE, url=odd.url).exit_code == 0
    (file,) = tmp_path.glob(".globus/app/*/globus-action/providers.json")
    assert file.stat().st_mode & 0o777 == 0o600
    with running_odd_provider() as hostile:
        challenge = CannedResponse(401, "", {"WWW-Authenticate": f'Bearer scope="{scope}"'})
        document = CannedResponse(body={**DESCRIPTION, "globus_auth_scope": scope})
        hostile.answer("GET /", document if told == "by the document" else challenge)
        hostile.answer("GET /a/status", action("ACTIVE"))
        for typed in ("status a", "run -b {}", "login"):
            refused = command(*typed.split(), url=hostile.url)
            assert (refused.exit_code, refused.out) == (3, "")
            assert f"your token for {odd.url}, " in refused.err
            assert refused.err.endswith(f"If you trust this provider, add --action-scope {scope}\n")
        assert set(hostile.tokens) == {None}
        assert command("status", "a", "--action-scope", scope, url=hostile.url).exit_code == 0
        assert command("status", "a", url=hostile.url).exit_code == 0
    assert command("status", "a", url=f"{odd.url}/").exit_code == 0
    command("logout")
    assert not file.exists()


@pytest.mark.usefixtures("service")
def test_a_service_names_the_scope_on_first_use_of_a_provider(command: Command, odd: OddProvider) -> None:
    odd.answer("GET /a/status", action("ACTIVE"))
    for typed in ("status a", "login", "run -b {}"):
        refused = command(*typed.split(), url=odd.url)
        assert (refused.exit_code, refused.out, set(odd.tokens)) == (3, "", {None})
        assert refused.err.endswith(f"If you trust {odd.url} with a token for it, add --action-scope {SCOPE}\n")
    assert command("status", "a", "--action-scope", SCOPE, url=odd.url).exit_code == 0
    assert command("status", "a", url=odd.url).exit_code == 0
    with running_odd_provider() as another:
        scope = f"{SCOPE.replace('0dd0', '0dd1')};ls"
        another.answer("GET /", CannedResponse(body={**DESCRIPTION, "globus_auth_scope": scope}))
        refused = command("status", "a", url=another.url)
        assert (refused.exit_code, refused.err.split("add ")[-1]) == (3, f"--action-scope '{scope}'\n")
        assert set(another.tokens) == {None}


OF_GLOBUS = [
    "urn:globus:auth:scope:transfer.api.globus.org:all",
    "https://auth.globus.org/scopes/transfer.api.globus.org/all",
    "https://auth.globus.org/scopes/groups.api.globus.org/all",
    "https://auth.globus.org/scopes/search.api.globus.org/all",
    "https://auth.globus.org/scopes/auth.globus.org/all",
    "https://auth.globus.org/scopes/eec9b274-0c81-4334-bdc2-54e90e689b9a/manage_flows",
    "https://auth.globus.org/scopes/EEC9B274-0C81-4334-BDC2-54E90E689B9A/run",
    "https://auth.globus.org/scopes/524230d7-ea86-4a52-8312-86065a9e0417/timer",
    "https://auth.globus.org/scopes/facd7ccc-c5f4-42aa-916b-a0e270e2c2a9/all",
    "https://auth.globus.org/scopes/funcx_service/all",
    "https://auth.globus.org/scopes/actions.globus.org/transfer/transfer",
    f"https://auth.globus.org/scopes/{SERVICE_ID}/https",
    f"https://auth.globus.org/scopes/{SERVICE_ID}/data_access",
    f"urn:globus:auth:scope:{SERVICE_ID}:manage_collections",
    f"https://auth.globus.org/scopes/{SERVICE_ID}/flow_{SERVICE_ID.replace('-', '_')}_user",
]


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize("scope", OF_GLOBUS)
def test_no_provider_gets_a_token_of_a_globus_service(command: Command, odd: OddProvider, scope: str) -> None:
    odd.answer("GET /", CannedResponse(body={**DESCRIPTION, "globus_auth_scope": scope}))
    for options in ((), ("--action-scope", scope)):
        refused = command("status", "a", *options, url=odd.url)
        assert (refused.exit_code, set(odd.tokens)) == (3, {None} if odd.tokens else set())
        assert f"The scope '{scope}' belongs to Globus itself" in refused.err
    with pytest.raises(ValueError, match="belongs to Globus itself"):
        ActionClient(odd.url, app=ClientApp("test", client_id=SERVICE_ID, client_secret="local-client-secret"))
    assert set(odd.tokens) == {None}


@pytest.mark.parametrize("scope", OF_GLOBUS)
def test_globus_itself_may_get_a_token_of_a_globus_service(scope: str) -> None:
    assert may_receive("https://compute.actions.globus.org/v3", scope)
    assert not may_receive("http://compute.actions.globus.org/", scope)
    assert not may_receive("https://actions.globus.org.example.org/", scope)
    assert not may_receive("https://notglobus.org/", scope)


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize(
    "scope",
    [
        f"{SCOPE}[urn:globus:auth:scope:transfer.api.globus.org:all]",
        SCOPE.replace("auth.globus.org", "auth.example.org"),
        f"{SCOPE} urn:globus:auth:scope:transfer.api.globus.org:all",
    ],
)
def test_a_provider_names_one_plain_scope(command: Command, odd: OddProvider, scope: str) -> None:
    odd.answer("GET /", CannedResponse(body={**DESCRIPTION, "globus_auth_scope": scope}))
    refused = command("status", "a", url=odd.url)
    assert (refused.exit_code, set(odd.tokens)) == (3, {None})
    assert "not the scope of an Action Provider" in refused.err


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


def test_a_token_without_the_consent_is_reported(command: Command, odd: OddProvider) -> None:
    details = {"code": "ConsentRequired", "required_scope": SCOPE}
    odd.answer("GET /a/status", action("INACTIVE", details=details))
    odd.answer("POST /a/resume", CannedResponse(409, {"description": "No consent."}))
    done = command("resume", "a", url=odd.url, token="a-token-of-mine")
    assert done.exit_code == 5
    assert f"The action needs a token with your consent to {SCOPE}" in done.err
