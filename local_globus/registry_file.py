"""Reads registered clients and scopes from a TOML or JSON file."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema_rs

from local_globus.directory import is_uuid
from local_globus.registry import Client, RegisteredScope, Registry, RegistryError, checked, default_scope

_SCOPE_LIST = {"type": "array", "items": {"type": "string", "minLength": 1}, "uniqueItems": True}
_SCOPE = {
    "type": "object",
    "properties": {
        "scope": {"type": "string", "minLength": 1},
        "dependent_scopes": _SCOPE_LIST,
        "ask_consent": _SCOPE_LIST,
    },
    "required": ["scope"],
    "additionalProperties": False,
}
_CLIENT = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "secret": {"type": "string", "minLength": 1},
        "name": {"type": "string"},
        "scopes": {"type": "array", "items": _SCOPE, "minItems": 1},
    },
    "required": ["id", "secret"],
    "additionalProperties": False,
}
SCHEMA = {
    "type": "object",
    "properties": {"clients": {"type": "array", "items": _CLIENT, "minItems": 1}},
    "required": ["clients"],
    "additionalProperties": False,
}


def read_registry(path: Path) -> Registry:
    """Return the registry in a file: JSON if its name ends in `.json`, TOML otherwise.

    :raises RegistryError: the file cannot be read or is invalid; the message names the file and the place.
    """
    try:
        text = path.read_text("utf-8")
        document = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as error:  # syntax errors in both formats, and invalid UTF-8, are ValueErrors
        raise RegistryError(f"{path}: {error}") from error
    for problem in jsonschema_rs.Draft202012Validator(SCHEMA).iter_errors(document):
        place = ".".join(map(str, problem.instance_path))
        raise RegistryError(f"{path}: {place}{': ' if place else ''}{problem.message}")
    try:
        return registry_of(document)
    except RegistryError as error:
        raise RegistryError(f"{path}: {error}") from error


def registry_of(document: dict[str, Any]) -> Registry:
    """Return the registry that a valid document describes."""
    wrong = next((each["id"] for each in document["clients"] if not is_uuid(each["id"])), None)
    if wrong is not None:
        raise RegistryError(f"client {wrong!r}: its id must be a UUID")
    clients = tuple(Client(each["id"], each["secret"], each.get("name", "")) for each in document["clients"])
    scopes = tuple(scope for each in document["clients"] for scope in client_scopes(each))
    return checked(Registry(clients, scopes))


def client_scopes(client: dict[str, Any]) -> list[RegisteredScope]:
    """Return the scopes of one client in the file; the usual one if it has none."""
    return [
        RegisteredScope(
            each["scope"],
            client["id"],
            tuple(dict.fromkeys((*dependent(each), *each.get("ask_consent", ())))),
            tuple(each.get("ask_consent", ())),
        )
        for each in client.get("scopes", [{"scope": default_scope(client["id"])}])
    ]


def dependent(scope: dict[str, Any]) -> tuple[str, ...]:
    """Return the dependent scopes that a scope in the file names, Globus Groups by default."""
    named = scope.get("dependent_scopes")
    return RegisteredScope.dependent_scopes if named is None else tuple(named)
