"""Read and describe principals, which --monitor-by and --manage-by name."""

from __future__ import annotations

import re
import uuid

import click

IDENTITY = "urn:globus:auth:identity:"
GROUP = "urn:globus:groups:id:"

_WORDS = {
    "public": "everyone, without a login",
    "all_authenticated_users": "everyone who is logged in",
}


def principal_urns(_ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> list[str]:
    """Return each value as a principal URN, without duplicates; a bare UUID is taken as an identity."""
    return list(dict.fromkeys(_urn(value.strip(), param) for value in values))


def _urn(value: str, param: click.Parameter) -> str:
    prefix = next((known for known in (IDENTITY, GROUP) if value.startswith(known)), "")
    try:
        return f"{prefix or IDENTITY}{uuid.UUID(value.removeprefix(prefix))}"
    except ValueError as error:
        raise click.BadParameter(
            f"{value[:100]!r} is not a principal. Give {IDENTITY}UUID for a person or a service, or {GROUP}UUID for a "
            "group (a bare UUID is taken as an identity).",
            param=param,
        ) from error


def in_words(principal: str) -> str:
    """Return a principal in words, as far as its form shows."""
    if principal in _WORDS:
        return _WORDS[principal]
    found = re.fullmatch(f"({IDENTITY}|{GROUP})(.+)", principal)
    if found is None:
        return principal
    return f"{'identity' if found[1] == IDENTITY else 'members of the group'} {found[2]}"
