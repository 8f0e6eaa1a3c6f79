"""Reads scope texts such as `SCOPE[DEPENDENT_SCOPE]`, in the notation of Globus Auth."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from globus_sdk.scopes import Scope, ScopeCycleError, ScopeParseError

MAX_BRACKETS = 20
"""How many scopes in a text may have dependent scopes. At worst, parsing takes exponential time in this number."""


def parse_scopes(text: str) -> list[Scope]:
    """Return the scopes in a text, each with its dependent scopes, in the order of the text.

    :raises ValueError: the text is not in the notation of Globus Auth.
    """
    if text.count("[") > MAX_BRACKETS:
        raise ValueError(f"more than {MAX_BRACKETS} scopes have dependent scopes")
    try:
        scopes = Scope.parse(text)
    except (ScopeParseError, ScopeCycleError) as error:
        raise ValueError(str(error)) from error
    order = {name: position for position, name in enumerate(reversed(re.split(r"[\[\]*\s]+", text)))}
    return in_order(scopes, order)


def in_order(scopes: list[Scope], order: dict[str, int]) -> list[Scope]:
    """Return the scopes by their place, counted from the end of the text; globus-sdk parses them into sets."""
    for scope in scopes:
        scope.dependencies = in_order(scope.dependencies, order)
    return sorted(scopes, key=lambda scope: -order[scope.scope_string])


def scope_names(scopes: Iterable[Scope]) -> list[str]:
    """Return the scopes without their dependent scopes."""
    return [scope.scope_string for scope in scopes]


def dependencies(scopes: Iterable[Scope]) -> Iterator[tuple[str, str]]:
    """Yield each scope together with a scope that it depends on, at every depth."""
    for scope in scopes:
        for dependent in scope.dependencies:
            yield scope.scope_string, dependent.scope_string
        yield from dependencies(scope.dependencies)
