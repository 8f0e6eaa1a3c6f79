"""Registers clients and their scopes with the stand-in, as a project page does with Globus Auth."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace

from globus_sdk.scopes import Scope

from local_globus.directory import (
    CLIENT_SECRET,
    GROUPS_SCOPE,
    PROVIDER_CLIENT_ID,
    PROVIDER_SCOPE,
    is_uuid,
    resource_server,
)
from local_globus.scopes import parse_scopes


class RegistryError(ValueError):
    """Raised when a client or a scope cannot be registered; the message says which and why."""


@dataclass(frozen=True)
class Client:
    """A registered client: an application with an id and a secret."""

    id: str
    secret: str
    name: str = ""


@dataclass(frozen=True)
class RegisteredScope:
    """A scope of a client.

    `dependent_scopes` are the scopes for which the client gets dependent tokens. Everyone has consented to them, except
    to those in `ask_consent`.
    """

    scope: str
    client_id: str
    dependent_scopes: tuple[str, ...] = (GROUPS_SCOPE,)
    ask_consent: tuple[str, ...] = ()


@dataclass(frozen=True)
class Registry:
    """All registered clients and scopes."""

    clients: tuple[Client, ...]
    scopes: tuple[RegisteredScope, ...]

    @property
    def local_scope(self) -> str:
        """The scopes of the local tokens, separated by spaces."""
        return " ".join(each.scope for each in self.scopes)

    def is_client(self, client_id: str, secret: str) -> bool:
        """Return whether the secret belongs to this client; an unregistered UUID has the default secret."""
        registered = next((client for client in self.clients if client.id == client_id), None)
        if registered is None and not is_uuid(client_id):
            return False
        expected = CLIENT_SECRET if registered is None else registered.secret
        return secrets.compare_digest(secret.encode(), expected.encode())

    def scope(self, scope: str) -> RegisteredScope:
        """Return the registration of a scope; an unregistered one depends on Groups, like a provider's scope."""
        for each in self.scopes:
            if each.scope == scope:
                return each
        dependent = (GROUPS_SCOPE,) if scope.startswith("https://") else ()
        return RegisteredScope(scope, resource_server(scope), dependent)

    def audience(self, scopes: str) -> list[str]:
        """Return the resource servers and client ids that tokens for these scopes are meant for."""
        found = [name for each in scopes.split() for name in (resource_server(each), self.scope(each).client_id)]
        return list(dict.fromkeys(found))


def register(clients: Iterable[str] = (), scopes: Iterable[str] = (), ask_consent: Iterable[str] = ()) -> Registry:
    """Return a registry from options.

    :param clients: `ID:SECRET` of each client; its scope is `https://auth.globus.org/scopes/ID/action_all` unless
        `scopes` has another one.
    :param scopes: a scope each; `SCOPE[DEPENDENT_SCOPE …]` says what it depends on, Globus Groups by default. A scope
        belongs to the client whose id is in it, or to the only client. An unregistered id in a scope becomes a client
        with the default secret.
    :param ask_consent: scopes that all of `scopes` depend on, for which people must consent first.
    :raises RegistryError: a client or scope is invalid.
    """
    known = [parse_client(text) for text in clients]
    declared = [scope for text in scopes for scope in parse_declared(text)]
    owned = [(owner(scope.scope_string, known), scope) for scope in declared]
    names = [client.id for client in known]
    known += [Client(id_, CLIENT_SECRET) for id_ in dict.fromkeys(id_ for id_, _ in owned) if id_ not in names]
    if not known:
        known, owned = [Client(PROVIDER_CLIENT_ID, CLIENT_SECRET)], [(PROVIDER_CLIENT_ID, Scope(PROVIDER_SCOPE))]
    with_scope = {id_ for id_, _ in owned}
    owned += [(client.id, Scope(default_scope(client.id))) for client in known if client.id not in with_scope]
    asked = tuple(dict.fromkeys(ask_consent))
    return checked(Registry(tuple(known), tuple(registered_scope(id_, scope, asked) for id_, scope in owned)))


def default_scope(client_id: str) -> str:
    """Return the usual scope of an Action Provider."""
    return f"https://auth.globus.org/scopes/{client_id}/action_all"


def parse_client(text: str) -> Client:
    """Return the client that `ID:SECRET` describes."""
    client_id, _, secret = text.partition(":")
    if not is_uuid(client_id) or not secret:
        raise RegistryError(f"{client_id or 'a client'}: give a client as ID:SECRET, with a UUID as its ID")
    return Client(client_id, secret)


def parse_declared(text: str) -> list[Scope]:
    """Return the scopes in one declaration, with their dependent scopes."""
    try:
        found = parse_scopes(text)
    except ValueError as error:
        raise RegistryError(f"{text!r} is not a scope: {error}") from error
    if not found:
        raise RegistryError("a scope is empty")
    return found


def owner(scope: str, clients: list[Client]) -> str:
    """Return the id of the client that a scope belongs to."""
    named = resource_server(scope)
    if named in {client.id for client in clients}:
        return named
    if len(clients) == 1:
        return clients[0].id
    if is_uuid(named):
        return named
    if not clients:
        return PROVIDER_CLIENT_ID
    raise RegistryError(f"{scope}: the client it belongs to is not clear; use a registry file")


def registered_scope(client_id: str, scope: Scope, ask_consent: tuple[str, ...]) -> RegisteredScope:
    found = RegisteredScope(scope.scope_string, client_id)
    if scope.dependencies:
        found = replace(found, dependent_scopes=tuple(each.scope_string for each in scope.dependencies))
    dependent = tuple(dict.fromkeys((*found.dependent_scopes, *ask_consent)))
    return replace(found, dependent_scopes=dependent, ask_consent=ask_consent)


def checked(registry: Registry) -> Registry:
    """Return the registry, if each client and each scope is in it only once.

    :raises RegistryError: one is registered twice, or a client has no scope.
    """
    names = [client.id for client in registry.clients] + [each.scope for each in registry.scopes]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise RegistryError(f"{twice} is registered twice")
    return registry
