"""The my_groups example: work on the caller's behalf."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import globus_sdk
import pytest
import requests

from examples.my_groups import work
from tests.own_provider import BOB, OwnProvider
from tests.patched_auth import Person

MEMBERSHIP = "99999999-2222-4333-8444-555555555555"
DORA = Person("dora", groups=(MEMBERSHIP,))


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnProvider]:
    with closing(OwnProvider(monkeypatch, "examples.my_groups.work")) as provider:
        yield provider


def test_it_lists_the_groups_of_the_caller(provider: OwnProvider) -> None:
    dora = provider.caller(DORA)
    action = dora.run(body={})
    assert (action["status"], action["details"]) == ("SUCCEEDED", {"groups": [{"id": MEMBERSHIP, "roles": []}]})
    assert provider.alice.run(body={})["details"] == {"groups": []}


def test_without_consent_it_waits_and_after_consent_it_continues(provider: OwnProvider) -> None:
    provider.globus.dependent_scopes = []
    waiting = provider.alice.run(body={})
    assert waiting["status"] == "INACTIVE"
    assert waiting["details"]["code"] == "ConsentRequired"
    assert work.SCOPE in waiting["details"]["required_scope"]
    provider.globus.dependent_scopes = [work.SCOPE]
    assert provider.alice.resume(waiting["action_id"], 200)["status"] == "SUCCEEDED"


def test_a_manager_who_resumes_it_does_not_add_their_groups(provider: OwnProvider) -> None:
    provider.globus.dependent_scopes = []
    dora = provider.caller(DORA)
    action = dora.run(body={}, manage_by=[BOB.urn])
    provider.globus.dependent_scopes = [work.SCOPE]
    assert provider.bob.resume(action["action_id"], 200)["status"] == "ACTIVE"
    provider.clock.tick(seconds=1)
    assert provider.bob.status(action["action_id"])["status"] == "ACTIVE"
    assert dora.status(action["action_id"])["details"]["groups"][0]["id"] == MEMBERSHIP


def test_while_groups_is_down_the_action_waits_and_callers_see_no_error(
    provider: OwnProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(_self: globus_sdk.GroupsClient) -> None:
        raise globus_sdk.NetworkError("no route", OSError())

    with monkeypatch.context() as down:
        down.setattr(globus_sdk.GroupsClient, "get_my_groups", unreachable)
        action = provider.alice.run(body={})
        assert action["status"] == "ACTIVE"
    provider.clock.tick(seconds=1)
    assert provider.alice.status(action["action_id"])["status"] == "SUCCEEDED"


@pytest.mark.parametrize(("code", "status"), [(403, "FAILED"), (404, "FAILED"), (401, "ACTIVE"), (503, "ACTIVE")])
def test_a_permanent_refusal_by_groups_fails_and_other_errors_are_retried(
    provider: OwnProvider, monkeypatch: pytest.MonkeyPatch, code: int, status: str
) -> None:
    def refuse(_self: globus_sdk.GroupsClient) -> None:
        response = requests.Response()
        response.status_code = code
        response.request = requests.Request("GET", "https://groups.api.globus.org/").prepare()
        raise globus_sdk.GroupsAPIError(response)

    monkeypatch.setattr(globus_sdk.GroupsClient, "get_my_groups", refuse)
    assert provider.alice.run(body={})["status"] == status


def test_it_names_groups_and_roles_and_nothing_about_other_members() -> None:
    group = {
        "id": MEMBERSHIP,
        "name": "Climate",
        "my_memberships": [{"role": "admin", "identity_id": "x", "username": "dora@example.org"}],
        "description": "secret plans",
    }
    assert work.described(group) == {"id": MEMBERSHIP, "name": "Climate", "roles": ["admin"]}
