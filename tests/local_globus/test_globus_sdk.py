"""The stand-in for Globus Auth and Groups, as the real globus-sdk uses it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import globus_sdk
import pytest
import requests
from click.testing import CliRunner
from globus_sdk.globus_app import UserApp

from local_globus.__main__ import main
from local_globus.directory import (
    CLIENT_SECRET,
    GROUP_ID,
    GROUPS_SCOPE,
    PEOPLE,
    PROVIDER_CLIENT_ID,
    PROVIDER_SCOPE,
    fixed_tokens,
)
from local_globus.server import RunningGlobus, start_globus
from local_globus.web import create_globus
from tests.local_globus.person import choose

ALICE, BOB, _ = PEOPLE
OTHER_CLIENT = "0e0e0e0e-0000-4000-8000-000000000000"


def native_login(
    name: str, scope: str, *, refresh_tokens: bool
) -> tuple[globus_sdk.NativeAppAuthClient, globus_sdk.OAuthTokenResponse]:
    client = globus_sdk.NativeAppAuthClient(OTHER_CLIENT)
    client.oauth2_start_flow(scope, refresh_tokens=refresh_tokens)
    return client, client.oauth2_exchange_code_for_tokens(choose(client.oauth2_get_authorize_url(), name))


def test_it_says_that_it_is_for_development_only(caplog: pytest.LogCaptureFixture) -> None:
    create_globus()
    assert "for development only" in caplog.text


def test_fixed_tokens_are_introspected(provider: globus_sdk.ConfidentialAppAuthClient) -> None:
    alice = provider.oauth2_token_introspect("local-token-alice", include="identity_set")
    assert alice["active"]
    assert alice["scope"] == PROVIDER_SCOPE
    assert (alice["sub"], alice["identity_set"]) == (ALICE.id, ALICE.identity_set)
    assert "identity_set" not in provider.oauth2_token_introspect("local-token-alice").data
    assert provider.oauth2_token_introspect("local-token-other-scope")["scope"] != PROVIDER_SCOPE
    for token in ("local-token-expired", "local-token-nobody", "", "x.y.z"):
        assert provider.oauth2_token_introspect(token).data == {"active": False}


def test_introspection_is_for_clients_only(running: RunningGlobus) -> None:
    stranger = globus_sdk.ConfidentialAppAuthClient(PROVIDER_CLIENT_ID, "wrong", transport_params={"max_retries": 0})
    with pytest.raises(globus_sdk.AuthAPIError) as raised:
        stranger.oauth2_token_introspect("local-token-alice")
    assert raised.value.http_status == 401


def test_dependent_tokens_lead_to_groups(provider: globus_sdk.ConfidentialAppAuthClient) -> None:
    for name, groups in (("bob", [GROUP_ID]), ("carol", [])):
        tokens = provider.oauth2_get_dependent_tokens(f"local-token-{name}").by_scopes
        authorizer = globus_sdk.AccessTokenAuthorizer(str(tokens[GROUPS_SCOPE]["access_token"]))
        assert [group["id"] for group in globus_sdk.GroupsClient(authorizer=authorizer).get_my_groups()] == groups


def test_groups_refuses_other_tokens(running: RunningGlobus) -> None:
    for headers, status in (({}, 401), ({"Authorization": "Bearer local-token-bob"}, 403)):
        assert requests.get(f"{running.url}v2/groups/my_groups", headers=headers, timeout=60).status_code == status


def test_a_person_logs_in_with_pkce_and_refreshes(provider: globus_sdk.ConfidentialAppAuthClient) -> None:
    client, tokens = native_login("bob", PROVIDER_SCOPE, refresh_tokens=True)
    mine = tokens.by_resource_server[PROVIDER_CLIENT_ID]
    assert provider.oauth2_token_introspect(mine["access_token"])["sub"] == BOB.id
    refreshed = client.oauth2_refresh_token(mine["refresh_token"]).by_resource_server[PROVIDER_CLIENT_ID]
    assert refreshed["refresh_token"] == mine["refresh_token"]
    assert provider.oauth2_token_introspect(refreshed["access_token"])["sub"] == BOB.id


def test_a_code_needs_its_verifier(running: RunningGlobus) -> None:
    client = globus_sdk.NativeAppAuthClient(OTHER_CLIENT)
    client.oauth2_start_flow(PROVIDER_SCOPE)
    code = choose(client.oauth2_get_authorize_url(), "bob")
    client.oauth2_start_flow(PROVIDER_SCOPE)
    with pytest.raises(globus_sdk.AuthAPIError, match="code_verifier"):
        client.oauth2_exchange_code_for_tokens(code)


def test_each_resource_server_has_its_own_token(running: RunningGlobus) -> None:
    _, tokens = native_login("bob", f"{PROVIDER_SCOPE}[{GROUPS_SCOPE}] {GROUPS_SCOPE} openid", refresh_tokens=False)
    assert set(tokens.by_resource_server) == {PROVIDER_CLIENT_ID, "groups.api.globus.org", "auth.globus.org"}
    assert tokens.by_resource_server[PROVIDER_CLIENT_ID]["scope"] == PROVIDER_SCOPE
    assert tokens.by_resource_server[PROVIDER_CLIENT_ID]["refresh_token"] is None


def test_a_service_gets_tokens_with_its_secret(provider: globus_sdk.ConfidentialAppAuthClient) -> None:
    service = globus_sdk.ConfidentialAppAuthClient(OTHER_CLIENT, CLIENT_SECRET)
    tokens = service.oauth2_client_credentials_tokens(requested_scopes=PROVIDER_SCOPE)
    answer = provider.oauth2_token_introspect(
        tokens.by_resource_server[PROVIDER_CLIENT_ID]["access_token"], include="identity_set"
    )
    assert answer["identity_set"] == [OTHER_CLIENT]


def test_the_id_token_can_be_verified(running: RunningGlobus) -> None:
    _, tokens = native_login("alice", f"openid {PROVIDER_SCOPE}", refresh_tokens=False)
    claims = tokens.decode_id_token()
    assert (claims["sub"], claims["aud"]) == (ALICE.id, OTHER_CLIENT)


def test_a_user_app_logs_in(running: RunningGlobus, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """globus-sdk's UserApp logs in with a code that is pasted."""
    monkeypatch.setenv("HOME", str(tmp_path))
    asked: list[str] = []
    monkeypatch.setattr("builtins.print", lambda *words, **_: asked.extend(str(word) for word in words))

    def paste(*_: object) -> str:
        url = next(word for text in asked for word in text.split() if word.startswith("http"))
        return choose(url, "alice")

    monkeypatch.setattr("builtins.input", paste)
    app = UserApp(
        "test", client_id=OTHER_CLIENT, scope_requirements={PROVIDER_CLIENT_ID: [globus_sdk.Scope(PROVIDER_SCOPE)]}
    )
    app.login()
    assert not app.login_required()
    app.logout()
    assert app.login_required()


def test_tokens_outlive_a_restart(
    provider: globus_sdk.ConfidentialAppAuthClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, tokens = native_login("bob", PROVIDER_SCOPE, refresh_tokens=False)
    restarted = start_globus(create_globus())
    monkeypatch.setenv("GLOBUS_SDK_SERVICE_URL_AUTH", restarted.url)
    token = tokens.by_resource_server[PROVIDER_CLIENT_ID]["access_token"]
    again = globus_sdk.ConfidentialAppAuthClient(PROVIDER_CLIENT_ID, CLIENT_SECRET)
    assert again.oauth2_token_introspect(token)["sub"] == BOB.id
    restarted.stop()


def test_a_revoked_token_is_not_active(provider: globus_sdk.ConfidentialAppAuthClient) -> None:
    client, tokens = native_login("bob", PROVIDER_SCOPE, refresh_tokens=True)
    mine = tokens.by_resource_server[PROVIDER_CLIENT_ID]
    client.oauth2_revoke_token(mine["access_token"])
    assert not provider.oauth2_token_introspect(mine["access_token"])["active"]
    client.oauth2_revoke_token(mine["refresh_token"])
    with pytest.raises(globus_sdk.AuthAPIError, match="not valid"):
        client.oauth2_refresh_token(mine["refresh_token"])


def test_identities_and_userinfo_need_a_token(running: RunningGlobus) -> None:
    client = globus_sdk.AuthClient(authorizer=globus_sdk.AccessTokenAuthorizer("local-token-alice"))
    assert client.userinfo()["preferred_username"] == "alice@local.example"
    assert [found["id"] for found in client.get_identities(usernames="bob@local.example,nobody@x.org")] == [BOB.id]
    assert [found["username"] for found in client.get_identities(ids=[ALICE.linked_ids[0]])] == [ALICE.username]
    assert requests.get(f"{running.url}v2/oauth2/userinfo", timeout=60).status_code == 401


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("v2/oauth2/authorize", 400),
        *(
            (f"v2/oauth2/authorize?client_id={OTHER_CLIENT}&as=alice&redirect_uri={uri}", 400)
            for uri in ("https://evil.example/", "http://[", "http://localhost:abc/", "javascript://localhost/x")
        ),
        ("nowhere", 404),
    ],
)
def test_malformed_requests_are_refused(running: RunningGlobus, path: str, status: int) -> None:
    assert requests.get(running.url + path, timeout=60).status_code == status


@pytest.mark.parametrize(
    "form", [{}, {"grant_type": "password"}, {"grant_type": "refresh_token", "refresh_token": "x"}]
)
def test_unknown_grants_are_refused(running: RunningGlobus, form: dict[str, str]) -> None:
    response = requests.post(f"{running.url}v2/oauth2/token", data=form, timeout=60)
    assert response.status_code == 400
    assert response.json().keys() == {"error", "error_description", "errors"}


def test_the_local_tokens_have_telling_names() -> None:
    assert set(fixed_tokens("s")) == {
        *(f"local-token-{name}" for name in ("alice", "bob", "carol", "expired", "other-scope")),
    }


def test_a_busy_port_is_named(running: RunningGlobus) -> None:
    busy = CliRunner().invoke(main, [f"--port={urlsplit(running.url).port}"])
    assert busy.exit_code == 2
    assert "Choose another with --port" in busy.output
