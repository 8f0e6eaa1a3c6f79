"""Defines the people, their group, and the tokens that need no login."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

PROVIDER_CLIENT_ID = "5b1c0de0-0000-4000-8000-00000000c1d0"
CLIENT_SECRET = "local-client-secret"
"""The secret of every unregistered client: any UUID is a client, with its own identity."""

PROVIDER_SCOPE = f"https://auth.globus.org/scopes/{PROVIDER_CLIENT_ID}/action_all"
OTHER_SCOPE = f"https://auth.globus.org/scopes/{PROVIDER_CLIENT_ID}/something_else"
GROUPS_SCOPE = "urn:globus:auth:scope:groups.api.globus.org:view_my_groups_and_memberships"

GROUP_ID = "5b1c0de0-0000-4000-8000-0000000009a0"
IDENTITY_PROVIDER_ID = "5b1c0de0-0000-4000-8000-0000000001d0"


@dataclass(frozen=True)
class Person:
    """A person with an account, or a client. `linked_ids` are other identities of the same person."""

    name: str
    id: str
    linked_ids: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    domain: str = "local.example"

    @property
    def username(self) -> str:
        return f"{self.name}@{self.domain}"

    @property
    def identity_set(self) -> list[str]:
        return [self.id, *self.linked_ids]


PEOPLE = (
    Person(
        "alice",
        "5b1c0de0-0000-4000-8000-00000000a11c",
        linked_ids=("5b1c0de0-0000-4000-8000-00000001a11c",),
        groups=(GROUP_ID,),
    ),
    Person("bob", "5b1c0de0-0000-4000-8000-000000000b0b", groups=(GROUP_ID,)),
    Person("carol", "5b1c0de0-0000-4000-8000-0000000ca201"),
)


@dataclass(frozen=True)
class Grant:
    """What a token allows: whose it is, for which scopes, and which client it was issued to.

    `via` are the scopes of the token that a dependent token was derived from.
    """

    sub: str
    scope: str
    client_id: str = PROVIDER_CLIENT_ID
    active: bool = True
    via: str = ""


def fixed_tokens(scope: str) -> dict[str, Grant]:
    """Return the tokens that need no login, by their text; the people's tokens have the provider's `scope`."""
    alice = PEOPLE[0]
    return {
        **{f"local-token-{person.name}": Grant(person.id, scope) for person in PEOPLE},
        "local-token-expired": Grant(alice.id, scope, active=False),
        "local-token-other-scope": Grant(alice.id, OTHER_SCOPE),
    }


def person(identity: str) -> Person:
    """Return the person who has this identity; any other id is that of a client."""
    for known in PEOPLE:
        if identity in known.identity_set:
            return known
    return Person(identity, identity, domain="clients.auth.globus.org")


def person_called(name: str) -> Person | None:
    """Return the person with this name, without the domain."""
    return next((known for known in PEOPLE if known.name == name), None)


def people_with_usernames(usernames: str) -> Iterator[Person]:
    """Yield the people with these usernames, which are separated by commas."""
    wanted = {name.strip().lower() for name in usernames.split(",")}
    return (known for known in PEOPLE if known.username in wanted)


def resource_server(scope: str) -> str:
    """Return the service that a scope is for: the key under which globus-sdk stores its token."""
    parts = scope.split("/")
    if scope.startswith("https://auth.globus.org/scopes/") and len(parts) > 5:
        return parts[4]
    urn = scope.split(":")
    return urn[4] if scope.startswith("urn:globus:auth:scope:") and len(urn) > 4 else "auth.globus.org"


def is_uuid(text: str) -> bool:
    """Return whether the text is a UUID."""
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
