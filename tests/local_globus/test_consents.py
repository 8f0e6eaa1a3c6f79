"""Dependent tokens, and the consents that they need."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

import globus_sdk
import pytest
import requests
from globus_sdk.gare import to_gare
from globus_sdk.globus_app import ClientApp, UserApp

from local_globus.directory import CLIENT_SECRET, GROUPS_SCOPE, PEOPLE, PROVIDER_CLIENT_ID, PROVIDER_SCOPE
from local_globus.registry import register
from local_globus.server import RunningGlobus
from tests.local_globus.conftest import Start
from tests.local_globus.person import choose, consent, is_asked_for_consent

ALICE, BOB, _ = PEOPLE
OTHER_CLIENT = "0e0e0e0e-0000-4000-8000-000000000000"
TRANSFER = "urn:globus:auth:scope:transfer.api.globus.org:all"
COLLECTION = "https://auth.globus.org/scopes/0c0c0c0c-0000-4000-8000-000000000000/data_access"
JOBS = "https://auth.globus.org/scopes/0d0d0d0d-0000-4000-8000-000000000000/jobs"


@pytest.fixture
def asking(start: Start) -> RunningGlobus:
    """A stand-in whose provider depends on Groups and Transfer; Transfer needs consent."""
    return start(register(scopes=[f"{PROVIDER_SCOPE}[{GROUPS_SCOPE}]"], ask_consent=[TRANSFER]))


def provider() -> globus_sdk.ConfidentialAppAuthClient:
    return globus_sdk.ConfidentialAppAuthClient(PROVIDER_CLIENT_ID, CLIENT_SECRET)


def dependent_scopes(token: str = "local-token-alice") -> list[str]:
    return list(provider().oauth2_get_dependent_tokens(token).by_scopes)


def authorize_url(scope: str) -> str:
    client = globus_sdk.NativeAppAuthClient(OTHER_CLIENT)
    client.oauth2_start_flow(scope)
    return client.oauth2_get_authorize_url()


def withdraw(running: RunningGlobus, name: str, dependent_scope: str) -> None:
    form = {"as": name, "scope": PROVIDER_SCOPE, "dependent_scope": dependent_scope}
    page = requests.post(f"{running.url}v2/web/consents", form, timeout=60)
    assert page.status_code == 200
    assert dependent_scope not in page.text


def test_each_registered_dependent_scope_has_a_token(start: Start) -> None:
    start(register(scopes=[f"{PROVIDER_SCOPE}[{TRANSFER} {JOBS}]"]))
    tokens = provider().oauth2_get_dependent_tokens("local-token-bob")
    assert set(tokens.by_scopes) == {TRANSFER, JOBS}
    issued = provider().oauth2_token_introspect(str(tokens.by_scopes[JOBS]["access_token"]))
    assert (issued["sub"], issued["scope"], issued["client_id"]) == (BOB.id, JOBS, PROVIDER_CLIENT_ID)
    assert tokens.by_scopes[JOBS]["refresh_token"] is None
    offline = provider().oauth2_get_dependent_tokens("local-token-bob", refresh_tokens=True).by_scopes[JOBS]
    refreshed = provider().oauth2_refresh_token(str(offline["refresh_token"])).by_scopes[JOBS]
    assert provider().oauth2_token_introspect(str(refreshed["access_token"]))["sub"] == BOB.id


def test_only_the_requested_scopes_are_issued(start: Start) -> None:
    start(register(scopes=[f"{PROVIDER_SCOPE}[{TRANSFER} {JOBS}]"]))
    assert list(provider().oauth2_get_dependent_tokens("local-token-bob", scope=JOBS).by_scopes) == [JOBS]


def test_one_resource_server_has_one_token(start: Start) -> None:
    status = JOBS.replace("/jobs", "/status")
    start(register(scopes=[f"{PROVIDER_SCOPE}[{JOBS} {status}]"]))
    (token,) = provider().oauth2_get_dependent_tokens("local-token-bob").data
    assert token["scope"] == f"{JOBS} {status}"


def test_a_missing_consent_leaves_a_token_out(asking: RunningGlobus) -> None:
    assert dependent_scopes() == [GROUPS_SCOPE]


def test_a_missing_consent_for_a_requested_scope_is_refused_as_globus_auth_does(asking: RunningGlobus) -> None:
    with pytest.raises(globus_sdk.AuthAPIError) as raised:
        provider().oauth2_get_dependent_tokens("local-token-alice", scope=TRANSFER)
    assert raised.value.http_status == 403
    assert raised.value.raw_json is not None
    assert raised.value.raw_json["error"] == "dependent_consent_required"
    gare = to_gare(raised.value)
    assert gare is not None
    assert (gare.code, gare.authorization_parameters.required_scopes) == ("ConsentRequired", [TRANSFER])


def test_a_login_without_the_dependent_scope_does_not_consent_to_it(asking: RunningGlobus) -> None:
    choose(authorize_url(PROVIDER_SCOPE), "alice")
    assert dependent_scopes() == [GROUPS_SCOPE]


def test_a_person_consents_on_the_login_page(asking: RunningGlobus) -> None:
    url = authorize_url(f"{PROVIDER_SCOPE}[{TRANSFER}]")
    assert consent(url, "alice")
    assert dependent_scopes() == [GROUPS_SCOPE, TRANSFER]
    assert dependent_scopes("local-token-bob") == [GROUPS_SCOPE]
    assert not is_asked_for_consent(url, "alice")
    assert is_asked_for_consent(url, "bob")


def test_a_new_token_has_the_consent_too(asking: RunningGlobus) -> None:
    client = globus_sdk.NativeAppAuthClient(OTHER_CLIENT)
    client.oauth2_start_flow(f"{PROVIDER_SCOPE}[*{TRANSFER}]")
    tokens = client.oauth2_exchange_code_for_tokens(consent(client.oauth2_get_authorize_url(), "bob"))
    mine = tokens.by_resource_server[PROVIDER_CLIENT_ID]
    assert mine["scope"] == PROVIDER_SCOPE
    assert dependent_scopes(mine["access_token"]) == [GROUPS_SCOPE, TRANSFER]


def test_a_person_can_consent_to_a_scope_that_is_not_registered(running: RunningGlobus) -> None:
    with pytest.raises(globus_sdk.AuthAPIError, match="DEPENDENT_CONSENT_REQUIRED"):
        provider().oauth2_get_dependent_tokens("local-token-alice", scope=JOBS)
    consent(authorize_url(f"{PROVIDER_SCOPE}[{JOBS}]"), "alice")
    assert dependent_scopes() == [GROUPS_SCOPE, JOBS]


def test_a_chain_of_services_needs_a_consent_for_each_step(running: RunningGlobus) -> None:
    consent(authorize_url(f"{PROVIDER_SCOPE}[{TRANSFER}[{COLLECTION}]]"), "alice")
    transfer = provider().oauth2_get_dependent_tokens("local-token-alice", scope=TRANSFER)
    token = str(transfer.by_scopes[TRANSFER]["access_token"])
    assert dependent_scopes(token) == [COLLECTION]


def test_a_person_who_denies_has_not_consented(asking: RunningGlobus) -> None:
    assert consent(authorize_url(f"{PROVIDER_SCOPE}[{TRANSFER}]"), "alice", decision="deny") == ""
    assert dependent_scopes() == [GROUPS_SCOPE]


def test_withdrawing_a_consent_ends_the_tokens_based_on_it(asking: RunningGlobus) -> None:
    consent(authorize_url(f"{PROVIDER_SCOPE}[{TRANSFER}]"), "alice")
    token = provider().oauth2_get_dependent_tokens("local-token-alice", refresh_tokens=True).by_scopes[TRANSFER]
    page = requests.get(f"{asking.url}v2/web/consents?as=alice", timeout=60).text
    assert re.findall(r'name="dependent_scope" value="([^"]+)"', page) == [GROUPS_SCOPE, TRANSFER]
    withdraw(asking, "alice", TRANSFER)
    assert dependent_scopes() == [GROUPS_SCOPE]
    assert provider().oauth2_token_introspect(str(token["access_token"]))["active"] is False
    with pytest.raises(globus_sdk.AuthAPIError, match="not valid"):
        provider().oauth2_refresh_token(str(token["refresh_token"]))
    assert provider().oauth2_token_introspect("local-token-alice")["active"]


def test_an_implied_consent_can_be_withdrawn_and_given_again(running: RunningGlobus) -> None:
    withdraw(running, "alice", GROUPS_SCOPE)
    assert dependent_scopes() == []
    assert dependent_scopes("local-token-bob") == [GROUPS_SCOPE]
    consent(authorize_url(f"{PROVIDER_SCOPE}[{GROUPS_SCOPE}]"), "alice")
    assert dependent_scopes() == [GROUPS_SCOPE]


def test_the_consents_page_asks_who_it_is_for(running: RunningGlobus) -> None:
    assert 'href="?as=carol"' in requests.get(f"{running.url}v2/web/consents", timeout=60).text
    for form in ({}, {"as": "zoe", "scope": "a", "dependent_scope": "b"}, {"as": "bob", "scope": "a"}):
        assert requests.post(f"{running.url}v2/web/consents", form, timeout=60).status_code == 400


def test_consents_are_listed_for_their_person_only(asking: RunningGlobus) -> None:
    consent(authorize_url(f"{PROVIDER_SCOPE}[{TRANSFER}[{COLLECTION}]]"), "alice")
    client = globus_sdk.AuthClient(authorizer=globus_sdk.AccessTokenAuthorizer("local-token-alice"))
    forest = client.get_consents(ALICE.id).to_forest()
    for scope, met in (
        (f"{PROVIDER_SCOPE}[{TRANSFER}[{COLLECTION}]]", True),
        (f"{PROVIDER_SCOPE}[{GROUPS_SCOPE} {TRANSFER}]", True),
        (f"{PROVIDER_SCOPE}[{JOBS}]", False),
    ):
        assert forest.meets_scope_requirements(scope) is met
    numbers = [node.id for node in forest.nodes]
    assert numbers == [node.id for node in client.get_consents(ALICE.id).to_forest().nodes]
    with pytest.raises(globus_sdk.AuthAPIError) as raised:
        client.get_consents(BOB.id)
    assert raised.value.http_status == 403


def test_a_user_app_with_a_dependent_scope_logs_in(
    asking: RunningGlobus, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    printed: list[str] = []
    monkeypatch.setattr("builtins.print", lambda *words, **_: printed.extend(str(word) for word in words))

    def paste(*_: object) -> str:
        return consent(next(word for text in printed for word in text.split() if word.startswith("http")), "alice")

    monkeypatch.setattr("builtins.input", paste)
    required = globus_sdk.Scope(PROVIDER_SCOPE, dependencies=[globus_sdk.Scope(TRANSFER)])
    app = UserApp("test", client_id=OTHER_CLIENT, scope_requirements={PROVIDER_CLIENT_ID: [required]})
    app.login()
    assert not app.login_required()
    assert dependent_scopes() == [GROUPS_SCOPE, TRANSFER]
    withdraw(asking, "alice", TRANSFER)
    again = UserApp("test", client_id=OTHER_CLIENT, scope_requirements={PROVIDER_CLIENT_ID: [required]})
    assert again.login_required()


def test_a_service_consents_by_asking_for_the_dependent_scope(
    asking: RunningGlobus, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    required = globus_sdk.Scope(PROVIDER_SCOPE, dependencies=[globus_sdk.Scope(TRANSFER)])
    app = ClientApp("test", client_id=OTHER_CLIENT, client_secret=CLIENT_SECRET)
    app.add_scope_requirements({PROVIDER_CLIENT_ID: [required]})
    token = str(app.get_authorizer(PROVIDER_CLIENT_ID).get_authorization_header()).removeprefix("Bearer ")
    assert dependent_scopes(token) == [GROUPS_SCOPE, TRANSFER]


@pytest.mark.parametrize(
    "scope", ["a[", "a]b", "a[b[a]]", "[a]", "".join(f"s{n}[" for n in range(21)) + "s" + "]" * 21]
)
def test_a_scope_that_cannot_be_read_is_refused(running: RunningGlobus, scope: str) -> None:
    service = globus_sdk.ConfidentialAppAuthClient(OTHER_CLIENT, CLIENT_SECRET)
    with pytest.raises(globus_sdk.AuthAPIError, match="invalid_scope"):
        service.oauth2_client_credentials_tokens(requested_scopes=scope)
    url = authorize_url("SCOPE").replace("SCOPE", quote(scope))
    assert requests.get(url, timeout=60).status_code == 400
