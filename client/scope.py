"""Find a provider's scope, and the resource server that a scope belongs to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from globus_sdk import GlobusAPIError
from globus_sdk.scopes import Scope


def scope_in_document(document: Any) -> str | None:
    """Return the scope that an introspection document names."""
    scope = document.get("globus_auth_scope") if isinstance(document, Mapping) else None
    return scope if isinstance(scope, str) and scope else None


def scope_in_refusal(error: GlobusAPIError) -> str | None:
    """Return the scope that a 401 or 403 asks for: in its challenge (RFC 6750, section 3), or in Globus's own form."""
    challenge = re.search(r'\bscope="([^"\s]+)', error.headers.get("WWW-Authenticate", ""))
    if challenge:
        return challenge[1]
    document = error.raw_json if isinstance(error.raw_json, dict) else {}
    parameters = document.get("authorization_parameters")
    scopes = parameters.get("required_scopes") if isinstance(parameters, dict) else None
    return scopes[0] if isinstance(scopes, list) and scopes and isinstance(scopes[0], str) else None


def parse(scope: str) -> list[Scope]:
    """Return the scope and its dependent scopes as globus-sdk's objects."""
    found: Any = Scope.parse(scope)  # a list before globus-sdk 4, one of them since
    return found if isinstance(found, list) else [found]


def resource_server(scope: str) -> str:
    """Return the resource server of a scope, under whose name globus-sdk stores the token.

    :param scope: ``https://auth.globus.org/scopes/SERVICE/NAME`` or ``urn:globus:auth:scope:SERVICE:NAME``, perhaps
        with dependent scopes in brackets after it.
    :raises ValueError: it is neither.
    """
    found = re.match(r"\*?(?:https?://[^/]+/scopes/([^/\[]+)/|urn:globus:auth:scope:([^:\[]+):)[^\[]", scope)
    if found is None:
        raise ValueError(
            f"{scope[:100]!r} is not the scope of a provider, which looks like https://auth.globus.org/scopes/ID/NAME"
        )
    return found[1] or found[2]
