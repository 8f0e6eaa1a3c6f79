"""Identities and groups, as providers and toolkits of all ages ask for them."""

from __future__ import annotations

import globus_sdk
import pytest
import requests

from local_globus.directory import CLIENT_SECRET, GROUP_ID, PEOPLE, PROVIDER_CLIENT_ID
from local_globus.server import RunningGlobus

ALICE, BOB, _ = PEOPLE


def test_a_client_looks_up_identities(running: RunningGlobus) -> None:
    client = globus_sdk.AuthClient(authorizer=globus_sdk.BasicAuthorizer(PROVIDER_CLIENT_ID, CLIENT_SECRET))
    (bob,) = client.get_identities(usernames="BOB@local.example")
    assert (bob["id"], bob["name"], bob["email"]) == (BOB.id, "Bob", "bob@local.example")
    assert (bob["organization"], bob["status"]) == ("Local Example", "used")
    ids = [ALICE.linked_ids[0], PROVIDER_CLIENT_ID]
    alice, service = client.get_identities(ids=ids)
    assert (alice["id"], alice["username"]) == (ids[0], "alice@local.example")
    assert service["username"] == f"{PROVIDER_CLIENT_ID}@clients.auth.globus.org"


def test_one_identity_has_its_own_address(running: RunningGlobus) -> None:
    url, headers = f"{running.url}v2/api/identities/", {"Authorization": "Bearer local-token-bob"}
    assert requests.get(url + ALICE.id, headers=headers, timeout=60).json()["identity"]["name"] == "Alice"
    assert requests.get(url + ALICE.id, timeout=60).status_code == 401
    assert requests.get(url + "alice", headers=headers, timeout=60).status_code == 404


@pytest.mark.parametrize("auth", [("x", "y"), (PROVIDER_CLIENT_ID, "wrong"), ("not-a-uuid", "local-client-secret")])
def test_identities_are_not_for_strangers(running: RunningGlobus, auth: tuple[str, str]) -> None:
    url = f"{running.url}v2/api/identities?ids={BOB.id}"
    assert requests.get(url, auth=auth, timeout=60).status_code == 401
    assert requests.get(url, timeout=60).status_code == 401


@pytest.mark.parametrize("path", ["v2/groups/my_groups", "v2/groups/my_groups/"])
def test_groups_have_memberships_for_old_toolkits(
    provider: globus_sdk.ConfidentialAppAuthClient, running: RunningGlobus, path: str
) -> None:
    """Toolkits up to 0.12 count a group only if a membership in it has one of these roles."""
    (token,) = provider.oauth2_get_dependent_tokens("local-token-bob").data
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    groups = requests.get(running.url + path, headers=headers, timeout=60, allow_redirects=False).json()
    roles = ("member", "admin", "manager")
    assert [group["id"] for group in groups if any(each["role"] in roles for each in group["my_memberships"])] == [
        GROUP_ID
    ]
    assert groups[0]["my_memberships"][0]["identity_id"] == BOB.id
