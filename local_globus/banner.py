"""Describes the running stand-in in lines that a shell can read."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from local_globus.directory import GROUP_ID, PEOPLE, PROVIDER_CLIENT_ID
from local_globus.registry import Client, Registry
from local_globus.server import RunningGlobus


def banner(globus: RunningGlobus, registry: Registry) -> str:
    """Return what a provider and its clients need, as shell commands and comments."""
    return "\n".join(
        [
            "# A stand-in for Globus Auth and Groups, for development only.",
            *exports(globus.environment),
            *client_lines(registry),
            f"# Consents: {globus.url}v2/web/consents",
            *people_lines("# "),
        ]
    )


def exports(variables: dict[str, str]) -> list[str]:
    """Return shell commands that set these environment variables."""
    return [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]


def client_lines(registry: Registry) -> Iterator[str]:
    """Yield lines with each client, its secret, and its scopes: commands for the first, comments for the others."""
    for position, client in enumerate(registry.clients):
        yield f"# {client.name or 'A client'}, its secret, and its scope:"
        yield from (f"{'# ' if position else ''}{line}" for line in exports(settings(client, registry)))
    for scope in registry.scopes:
        for dependent in scope.ask_consent:
            yield f"# Asks for consent: {scope.scope}[{dependent}]"


def settings(client: Client, registry: Registry) -> dict[str, str]:
    """Return the settings of a provider that is this client."""
    prefix = "WHATTIME_" if client.id == PROVIDER_CLIENT_ID else ""
    scopes = " ".join(each.scope for each in registry.scopes if each.client_id == client.id)
    return {f"{prefix}CLIENT_ID": client.id, f"{prefix}CLIENT_SECRET": client.secret, f"{prefix}SCOPE": scopes}


def people_lines(indent: str) -> list[str]:
    """Return one line for each local token, with its owner."""
    people = [f"{indent}{'local-token-' + person.name:<26}{person.username}" for person in PEOPLE]
    members = " and ".join(person.name for person in PEOPLE if GROUP_ID in person.groups)
    return [
        *people,
        f"{indent}{'local-token-expired':<26}not active",
        f"{indent}{'local-token-other-scope':<26}active, for another scope",
        f"{indent}group of {members}: urn:globus:groups:id:{GROUP_ID}",
    ]
