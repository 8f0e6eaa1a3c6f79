"""Clients and scopes that are registered by options or by a file."""

from __future__ import annotations

import contextlib
import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import globus_sdk
import pytest
import requests
from click.testing import CliRunner

from local_globus.__main__ import main
from local_globus.banner import banner
from local_globus.directory import CLIENT_SECRET, GROUPS_SCOPE, PROVIDER_CLIENT_ID, PROVIDER_SCOPE
from local_globus.registry import Client, RegisteredScope, RegistryError, register
from local_globus.registry_file import read_registry
from tests.local_globus.conftest import Start
from tests.processes import clean_environment, free_port

MINE = "d3a66776-759f-4316-ba55-21725fe37323"
YOURS = "0a0a0a0a-0000-4000-8000-000000000000"
MY_SCOPE = f"https://auth.globus.org/scopes/{MINE}/action_all"
YOUR_SCOPE = f"https://auth.globus.org/scopes/{YOURS}/hello"
TRANSFER = "urn:globus:auth:scope:transfer.api.globus.org:all"

TOML = f"""
[[clients]]
id = "{MINE}"
secret = "my secret"
name = "My provider"

[[clients.scopes]]
scope = "{MY_SCOPE}"
dependent_scopes = ["{GROUPS_SCOPE}"]
ask_consent = ["{TRANSFER}"]

[[clients]]
id = "{YOURS}"
secret = "$your's"
"""


def test_without_options_there_is_one_provider() -> None:
    registry = register()
    assert registry.clients == (Client(PROVIDER_CLIENT_ID, CLIENT_SECRET),)
    assert registry.scopes == (RegisteredScope(PROVIDER_SCOPE, PROVIDER_CLIENT_ID, (GROUPS_SCOPE,)),)


@pytest.mark.parametrize(
    ("clients", "scopes", "owners"),
    [
        ([f"{MINE}:s"], [], {MY_SCOPE: MINE}),
        ([], [MY_SCOPE], {MY_SCOPE: MINE}),
        ([f"{YOURS}:s"], [MY_SCOPE], {MY_SCOPE: YOURS}),
        ([f"{MINE}:s", f"{YOURS}:t:u"], [YOUR_SCOPE], {YOUR_SCOPE: YOURS, MY_SCOPE: MINE}),
        ([], [MY_SCOPE, YOUR_SCOPE], {MY_SCOPE: MINE, YOUR_SCOPE: YOURS}),
        ([], ["https://auth.globus.org/scopes/time.example/all"], {}),
    ],
)
def test_a_scope_belongs_to_a_client(clients: list[str], scopes: list[str], owners: dict[str, str]) -> None:
    registry = register(clients, scopes)
    if owners:
        assert {each.scope: each.client_id for each in registry.scopes} == owners
    assert {each.client_id for each in registry.scopes} == {client.id for client in registry.clients}
    assert all(each.dependent_scopes == (GROUPS_SCOPE,) for each in registry.scopes)


@pytest.mark.parametrize(
    ("clients", "scopes", "message"),
    [
        (["me:secret"], [], "give a client as ID:SECRET"),
        ([MINE], [], "give a client as ID:SECRET"),
        ([f"{MINE}:a", f"{MINE}:b"], [], f"{MINE} is registered twice"),
        ([], [MY_SCOPE, MY_SCOPE], f"{MY_SCOPE} is registered twice"),
        ([], [f"{MY_SCOPE}["], "is not a scope"),
        ([], [""], "a scope is empty"),
        ([f"{MINE}:a", f"{YOURS}:b"], ["https://auth.globus.org/scopes/x.example/y"], "is not clear"),
    ],
)
def test_invalid_registrations_are_refused(clients: list[str], scopes: list[str], message: str) -> None:
    with pytest.raises(RegistryError) as raised:
        register(clients, scopes)
    assert message in str(raised.value)


def test_a_file_registers_several_clients(tmp_path: Path) -> None:
    (tmp_path / "registry.toml").write_text(TOML)
    registry = read_registry(tmp_path / "registry.toml")
    assert registry.clients == (Client(MINE, "my secret", "My provider"), Client(YOURS, "$your's"))
    mine, yours = registry.scopes
    assert (mine.dependent_scopes, mine.ask_consent) == ((GROUPS_SCOPE, TRANSFER), (TRANSFER,))
    assert yours == RegisteredScope(f"https://auth.globus.org/scopes/{YOURS}/action_all", YOURS)
    document = {"clients": [{"id": MINE, "secret": "s", "scopes": [{"scope": MY_SCOPE, "dependent_scopes": []}]}]}
    (tmp_path / "registry.json").write_text(json.dumps(document))
    assert read_registry(tmp_path / "registry.json").scopes == (RegisteredScope(MY_SCOPE, MINE, ()),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[clients", "Expected"),
        ("", "clients"),
        ("clients = []", "clients: "),
        (f'[[clients]]\nid = "{MINE}"', 'clients.0: "secret" is a required property'),
        ('[[clients]]\nid = "me"\nsecret = "s"', "client 'me': its id must be a UUID"),
        (f'[[clients]]\nid = "{MINE}"\nsecret = "s"\nscope = "x"', "clients.0: Additional properties"),
        (TOML + TOML, "is registered twice"),
    ],
)
def test_a_mistake_in_a_file_is_named(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "registry.toml"
    path.write_text(text)
    with pytest.raises(RegistryError) as raised:
        read_registry(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert message in str(raised.value)


def test_a_file_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="No such file"):
        read_registry(tmp_path / "none.toml")


def test_a_registered_client_has_its_own_secret(start: Start) -> None:
    start(register([f"{MINE}:my secret"]))
    for secret, status in (("my secret", None), (CLIENT_SECRET, 401), ("my secret2", 401)):
        client = globus_sdk.ConfidentialAppAuthClient(MINE, secret)
        if status is None:
            token = client.oauth2_token_introspect("local-token-alice")
            assert (token["scope"], token["aud"]) == (MY_SCOPE, [MINE])
        else:
            with pytest.raises(globus_sdk.AuthAPIError) as raised:
                client.oauth2_token_introspect("local-token-alice")
            assert raised.value.http_status == status


def test_a_token_is_meant_for_the_client_that_a_scope_belongs_to(start: Start) -> None:
    scope = "https://auth.globus.org/scopes/time.example/all"
    start(register([f"{MINE}:s"], [scope]))
    token = globus_sdk.ConfidentialAppAuthClient(MINE, "s").oauth2_token_introspect("local-token-bob")
    assert (token["scope"], token["aud"]) == (scope, ["time.example", MINE])


def test_the_banner_is_a_shell_script_for_the_right_client(start: Start, tmp_path: Path) -> None:
    (tmp_path / "registry.toml").write_text(TOML)
    registry = read_registry(tmp_path / "registry.toml")
    text = banner(start(registry), registry)
    assert f"# Asks for consent: {MY_SCOPE}[{TRANSFER}]" in text
    assert f"# export CLIENT_SECRET={shlex.quote(chr(36) + 'your' + chr(39) + 's')}" in text
    assert PROVIDER_CLIENT_ID not in text
    script = f'{text}\nprintf "%s\\n" "$CLIENT_ID" "$CLIENT_SECRET" "$SCOPE"'
    shell = subprocess.run(["sh", "-eu"], input=script, capture_output=True, text=True, check=True)
    assert shell.stdout.splitlines() == [MINE, "my secret", MY_SCOPE]


def test_two_scopes_are_quoted(start: Start) -> None:
    registry = register(scopes=[PROVIDER_SCOPE, f"{PROVIDER_SCOPE}_more"])
    assert f"export WHATTIME_SCOPE='{PROVIDER_SCOPE} {PROVIDER_SCOPE}_more'\n" in banner(start(registry), registry)


@contextlib.contextmanager
def started_alone(*options: str) -> Iterator[dict[str, str]]:
    """`python -m local_globus`, and the variables that it prints."""
    command = [sys.executable, "-m", "local_globus", *options]
    environment = clean_environment(PYTHONUNBUFFERED="1")
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        exports: dict[str, str] = {}
        for line in process.stdout:
            if line.startswith("export "):
                name, _, value = line.removeprefix("export ").partition("=")
                exports[name] = shlex.split(value)[0]
            if "urn:globus:groups:id:" in line:
                break
        try:
            yield exports
        finally:
            process.terminate()


def test_options_register_clients_and_scopes(monkeypatch: pytest.MonkeyPatch) -> None:
    options = ("--client", f"{MINE}:s", "--scope", f"{MY_SCOPE}[{GROUPS_SCOPE}]", "--ask-consent", TRANSFER)
    with started_alone("--port=0", *options) as exports:
        monkeypatch.setenv("GLOBUS_SDK_SERVICE_URL_AUTH", exports["GLOBUS_SDK_SERVICE_URL_AUTH"])
        client = globus_sdk.ConfidentialAppAuthClient(exports["CLIENT_ID"], exports["CLIENT_SECRET"])
        assert client.oauth2_token_introspect("local-token-alice")["scope"] == exports["SCOPE"] == MY_SCOPE
        assert list(client.oauth2_get_dependent_tokens("local-token-alice").by_scopes) == [GROUPS_SCOPE]


def test_without_options_it_serves_this_provider() -> None:
    with started_alone(f"--port={free_port()}") as exports:
        assert requests.get(exports["GLOBUS_SDK_SERVICE_URL_AUTH"] + "jwks.json", timeout=60).status_code == 200
        assert exports["WHATTIME_SCOPE"] == PROVIDER_SCOPE


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--client", "x"], "give a client as ID:SECRET"),
        (["--registry", "none.toml"], "none.toml: [Errno 2] No such file"),
        (["--registry", "r.toml", "--scope", "x"], "--registry replaces --client"),
    ],
)
def test_wrong_options_are_explained(options: list[str], message: str) -> None:
    done = CliRunner().invoke(main, options)
    assert done.exit_code == 2
    assert message in done.output
