"""ActionClient, as a Python program uses it."""

from __future__ import annotations

from typing import Any

import globus_sdk
import pytest
from globus_sdk.globus_app import ClientApp, GlobusAppConfig

from client import ActionAPIError, ActionClient
from client.scope import resource_server
from tests.client.odd_provider import SCOPE, CannedResponse, OddProvider, action
from tests.processes import RunningProvider

CONFIG = GlobusAppConfig(token_storage="memory")


@pytest.fixture
def alice(quick_provider: RunningProvider) -> ActionClient:
    return ActionClient.new_client(quick_provider.url, globus_sdk.AccessTokenAuthorizer("local-token-alice"))


def test_the_methods_of_the_old_client(alice: ActionClient, quick_provider: RunningProvider) -> None:
    assert alice.action_scope == quick_provider.scope
    assert alice.introspect()["title"] == "What Time Is It Right Now?"
    started = alice.run({"utc_offset": 1}, request_id="mine", label="mine", manage_by=[], monitor_by=[])
    action_id = started["action_id"]
    assert alice.wait(action_id)["status"] == "SUCCEEDED"
    assert alice.status(action_id)["label"] == "mine"
    assert alice.log(action_id, reverse_order=True, limit=1)["entries"][0]["code"] == "SUCCEEDED"
    with pytest.raises(ActionAPIError) as refused:
        alice.cancel(action_id)
    assert (refused.value.http_status, refused.value.code) == (409, "InvalidState")
    with pytest.raises(ActionAPIError):
        alice.resume(action_id)
    assert action_id in [each["action_id"] for each in alice.enumerate(limit=1)]
    assert alice.release(action_id)["status"] == "SUCCEEDED"


def test_an_app_finds_the_scope_and_logs_in(quick_provider: RunningProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in quick_provider.environment.items():
        monkeypatch.setenv(name, value)
    app = ClientApp(
        "test", client_id="0e0e0e0e-0000-4000-8000-000000000000", client_secret="local-client-secret", config=CONFIG
    )
    client = ActionClient(quick_provider.url, app=app)
    assert client.wait(client.run({"utc_offset": 1}, release_after="P1D")["action_id"])["release_after"] == "P1D"


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({}, {}),
        ({"manage_by": ["a"], "monitor_by": []}, {"manage_by": ["a"], "monitor_by": []}),
        ({"run_managers": ["b"]}, {"manage_by": ["b"]}),
        ({"manage_by": ["a", "b"], "run_managers": ["b", "c"]}, {"manage_by": ["a", "b", "c"]}),
        ({"run_monitors": "b"}, {"monitor_by": ["b"]}),
        ({"monitor_by": ("a",), "run_monitors": ["b"]}, {"monitor_by": ["a", "b"]}),
        ({"tags": ["t"]}, {"tags": ["t"]}),
    ],
    ids=str,
)
def test_the_aliases_of_the_retired_library_are_merged(odd: OddProvider, given: Any, sent: Any) -> None:
    odd.answer("POST /run", action("ACTIVE"))
    ActionClient(odd.url).run({}, "id", **given)
    assert odd.bodies == [{"request_id": "id", "body": {}, **sent}]


@pytest.mark.parametrize("form", ["/custom/run", "custom/run", "{url}/custom/run"])
def test_run_can_post_to_another_path(odd: OddProvider, form: str) -> None:
    odd.answer("POST /custom/run", action("ACTIVE"))
    ActionClient(f"{odd.url}/").run({}, force_path=form.format(url=odd.url))
    assert odd.requests == ["POST /custom/run"]


def test_json_does_not_depend_on_orjson(odd: OddProvider) -> None:
    odd.answer("POST /run", action("ACTIVE", label="\ud800"))
    client = ActionClient(odd.url)
    assert client.run({"large": 2**70, "half": "\ud800"})["label"] == "\ud800"
    assert odd.bodies[0]["body"] == {"large": 2**70, "half": "\ud800"}


def test_the_toolkits_errors_have_a_message(odd: OddProvider) -> None:
    odd.answer("GET /a/status", CannedResponse(404, {"code": "ActionNotFound", "description": "No action a"}))
    with pytest.raises(globus_sdk.GlobusAPIError) as refused:
        ActionClient(odd.url).status("a")
    assert (refused.value.code, refused.value.message) == ("ActionNotFound", "No action a")


def test_waiting_ends_when_patience_does(odd: OddProvider, naps: list[float]) -> None:
    odd.answer("GET /a/status", action("ACTIVE"), CannedResponse(503))
    with pytest.raises(ActionAPIError):
        ActionClient(odd.url).wait("a", patience_seconds=0)
    assert len(odd.requests) == 2


@pytest.mark.parametrize(
    ("scope", "server"),
    [
        (SCOPE, SCOPE.split("/")[4]),
        ("https://auth.globus.org/scopes/actions.globus.org/hello_world", "actions.globus.org"),
        ("urn:globus:auth:scope:transfer.api.globus.org:all", "transfer.api.globus.org"),
        (f"{SCOPE}[urn:globus:auth:scope:transfer.api.globus.org:all]", SCOPE.split("/")[4]),
    ],
)
def test_the_resource_server_of_a_scope(scope: str, server: str) -> None:
    assert resource_server(scope) == server


@pytest.mark.parametrize("scope", ["", "openid", "https://auth.globus.org/scopes/", "action_all"])
def test_text_that_is_not_a_scope_is_refused(scope: str) -> None:
    with pytest.raises(ValueError, match="is not the scope of a provider"):
        resource_server(scope)
