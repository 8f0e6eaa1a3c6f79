"""Who and what exists here: three people, one group, one client that is an Action Provider, and their tokens."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

PROVIDER_CLIENT_ID = "5b1c0de0-0000-4000-8000-00000000c1d0"
CLIENT_SECRET = "local-client-secret"
"""The secret of every client: whichever id comes with it is a client here, and an identity of its own."""

PROVIDER_SCOPE = f"https://auth.globus.org/scopes/{PROVIDER_CLIENT_ID}/action_all"
OTHER_SCOPE = f"https://auth.globus.org/scopes/{PROVIDER_CLIENT_ID}/something_else"
GROUPS_SCOPE = "urn:globus:auth:scope:groups.api.globus.org:view_my_groups_and_memberships"

GROUP_ID = "5b1c0de0-0000-4000-8000-0000000009a0"


@dataclass(frozen=True)
class Person:
    """Somebody with an account. `linked_ids` are further identities of the same person."""

    name: str
    id: str
    linked_ids: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    @property
    def username(self) -> str:
        return f"{self.name}@local.example"

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
    """What a token is good for: whose it is, for which scope, and which client it was given to."""

    sub: str
    scope: str
    client_id: str = PROVIDER_CLIENT_ID
    active: bool = True


def fixed_tokens(scope: str) -> dict[str, Grant]:
    """The tokens that need no login, by their text; those of people have the provider's `scope`."""
    alice = PEOPLE[0]
    return {
        **{f"local-token-{person.name}": Grant(person.id, scope) for person in PEOPLE},
        "local-token-expired": Grant(alice.id, scope, active=False),
        "local-token-other-scope": Grant(alice.id, OTHER_SCOPE),
    }


def person(id_: str) -> Person:
    """Whoever has this identity: one of the people, or a client, whose identity is its id."""
    for known in PEOPLE:
        if id_ in known.identity_set:
            return known
    return Person(id_, id_)


def people_named(usernames: str) -> Iterator[Person]:
    """The people with these usernames, separated by commas."""
    wanted = {name.strip().lower() for name in usernames.split(",")}
    return (known for known in PEOPLE if known.username in wanted)


def resource_server(scope: str) -> str:
    """The service that a scope is for, as globus-sdk files its token."""
    parts = scope.split("/")
    if scope.startswith("https://auth.globus.org/scopes/") and len(parts) > 5:
        return parts[4]
    return scope.split(":")[4] if scope.startswith("urn:globus:auth:scope:") else "auth.globus.org"


def is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
