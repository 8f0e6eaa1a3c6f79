"""A patched Globus Auth and Groups: tests of an Action Provider without credentials or a network.

Copy this file into the tests of your own provider. `patch_globus` replaces three methods of globus-sdk, so the
real code of the toolkit and the provider runs on top of them::

    @pytest.fixture
    def globus(monkeypatch):
        return patch_globus(monkeypatch, scope=MY_SCOPE)

    def test_something(client, globus):
        client.get("/", headers={"Authorization": f"Bearer {globus.login(ALICE)}"})
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import globus_sdk
import pytest

GROUPS_SCOPE = str(globus_sdk.GroupsClient.scopes.view_my_groups_and_memberships)


@dataclass(frozen=True)
class Person:
    """A person with an account, whose id is derived from the name."""

    name: str
    linked_ids: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_DNS, self.name))

    @property
    def urn(self) -> str:
        return f"urn:globus:auth:identity:{self.id}"


class PatchedGlobus:
    """What Globus Auth and Groups say in a test. `calls` lists the calls to them."""

    def __init__(self, scope: str) -> None:
        self.scope = scope
        self.calls: list[str] = []
        self.failure: Exception | None = None
        self.dependent_scopes = [GROUPS_SCOPE]
        self._tokens: dict[str, Mapping[str, Any]] = {}
        self._groups: dict[str, tuple[str, ...]] = {}

    def login(
        self, person: Person, *, scopes: Iterable[str] | None = None, active: bool = True, suffix: str = ""
    ) -> str:
        """Return a token for this person, by default with the provider's scope."""
        token = f"token-of-{person.name}-{uuid.uuid4()}{suffix}"
        self._groups[token] = person.groups
        self._tokens[token] = {
            "active": active,
            "scope": " ".join((self.scope,) if scopes is None else scopes),
            "sub": person.id,
            "identity_set": [person.id, *person.linked_ids],
        }
        return token

    def answer(self, token: str, document: Any) -> None:
        """Make Globus Auth say this about a token."""
        self._tokens[token] = document

    def introspect(self, token: str) -> Any:
        self._record("introspect")
        return self._tokens.get(token, {"active": False})

    def dependent_tokens(self, token: str) -> Any:
        self._record("dependent_tokens")
        return SimpleNamespace(by_scopes={scope: {"access_token": token} for scope in self.dependent_scopes})

    def my_groups(self, token: str) -> list[dict[str, str]]:
        self._record("my_groups")
        return [{"id": id_} for id_ in self._groups[token]]

    def _record(self, call: str) -> None:
        self.calls.append(call)
        if self.failure is not None:
            raise self.failure


def patch_globus(monkeypatch: pytest.MonkeyPatch, *, scope: str) -> PatchedGlobus:
    globus = PatchedGlobus(scope)
    auth, groups = globus_sdk.ConfidentialAppAuthClient, globus_sdk.GroupsClient
    monkeypatch.setattr(auth, "oauth2_token_introspect", lambda _self, token, include=None: globus.introspect(token))
    monkeypatch.setattr(auth, "oauth2_get_dependent_tokens", lambda _self, token: globus.dependent_tokens(token))
    monkeypatch.setattr(groups, "get_my_groups", lambda self: globus.my_groups(self.authorizer.access_token))
    return globus
