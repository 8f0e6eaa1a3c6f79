"""Say what an INACTIVE action is waiting for, and obtain the consent that it asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from globus_sdk.globus_app import ClientApp, GlobusApp

from . import login
from .console import Console, one_line
from .scope import parse, resource_server

INACTIVE = "INACTIVE"
_SCOPE_TEXT = re.compile(r"[A-Za-z0-9:/._*\[\] -]{1,1000}")


def reason_in_words(document: Mapping[str, Any]) -> str:
    """Return what an INACTIVE action says it is waiting for."""
    details = _details(document)
    told = details.get("description") or document.get("display_status")
    words = [str(told).rstrip(".")] if told and told != INACTIVE else []
    words += [f"({details['code']})"] if details.get("code") else []
    return one_line(" ".join(words)) or "it does not say for what"


def required_scope(document: Mapping[str, Any]) -> str | None:
    """Return the scope that an INACTIVE action needs the caller's consent to; None if it is waiting for something else.

    Two forms are known: `required_scope`, as the retired globus-automate client reads it, and globus-sdk's
    `authorization_parameters` (Globus Auth Requirements Errors).
    """
    details = _details(document)
    if document.get("status") != INACTIVE or details.get("code") != "ConsentRequired":
        return None
    parameters = details.get("authorization_parameters")
    listed = parameters.get("required_scopes") if isinstance(parameters, dict) else None
    scope = details.get("required_scope") or (listed[0] if isinstance(listed, list) and listed else None)
    return scope if isinstance(scope, str) and _SCOPE_TEXT.fullmatch(scope) else None


def scope_to_request(provider_scope: str, needed: str) -> str | None:
    """Return the scope of the provider that includes the consent it needs; None if `needed` is not a scope.

    The result is always a scope of the provider itself, with the dependent scope in brackets. So, as always, the
    provider receives no token for another service.
    """
    try:
        own = resource_server(needed) == resource_server(provider_scope)
        wanted = needed if own else f"{provider_scope.partition('[')[0]}[{needed}]"
        return wanted if len(parse(wanted)) == 1 else None
    except Exception:  # ValueError, and globus-sdk's own kinds, which differ between its releases
        return None


def can_consent(app: GlobusApp | None, console: Console) -> bool:
    """Return whether a person is there to consent: false with a given token, and for a service."""
    return app is not None and not isinstance(app, ClientApp) and console.can_ask


def obtain_consent(app: GlobusApp, console: Console, scope: str, document: Mapping[str, Any]) -> None:
    """Explain what the action is waiting for, and log in with the additional consent."""
    console.say(f"The action needs your consent: {reason_in_words(document)}.")
    console.say(f"Log in once more, and allow it to use {one_line(scope)}")
    login.consent(app, scope)


def _details(document: Mapping[str, Any]) -> Mapping[str, Any]:
    details = document.get("details")
    return details if isinstance(details, dict) else {}
