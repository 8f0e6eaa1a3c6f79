"""Recognize scopes that belong to Globus itself: their tokens are never sent to anyone else's provider."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from globus_sdk import scopes

_FORMS = re.compile(
    r"\*?(?:https?://[^/]+/scopes/(?P<server>[^/\[]+)/(?P<name>[^\[]+)"
    r"|urn:globus:auth:scope:(?P<old_server>[^:\[]+):(?P<old_name>[^\[]+))"
)
_SERVERS = re.compile(r"(?:.+\.)?globus\.org|funcx_service", re.IGNORECASE)
_COLLECTION_OR_FLOW = re.compile(r"https|data_access|manage_collections|flow_[0-9a-f_-]{36}_user", re.IGNORECASE)
_UUIDS = {  # of Flows, Timers, and Compute, whatever the installed globus-sdk knows
    "eec9b274-0c81-4334-bdc2-54e90e689b9a",
    "524230d7-ea86-4a52-8312-86065a9e0417",
    "facd7ccc-c5f4-42aa-916b-a0e270e2c2a9",
}


def may_receive(url: str, scope: str) -> bool:
    """Return whether the provider at `url` may receive a token for `scope`.

    A token for Globus Transfer, Groups, Search, Compute, Flows, Timers, Auth, a collection, or a flow may only go to
    Globus itself, which runs providers at addresses such as https://compute.actions.globus.org.
    """
    return not _belongs_to_globus(scope) or _is_globus(url)


def of_globus(scope: str) -> str:
    """Return the sentence that explains why a token for `scope` is not sent."""
    return (
        f"The scope {scope[:200]!r} belongs to Globus itself, not to this provider: "
        "this client never sends a token for it to an address outside globus.org."
    )


def _belongs_to_globus(scope: str) -> bool:
    found = _FORMS.match(scope)
    if found is None:
        return False
    server = (found["server"] or found["old_server"]).lower()
    name = found["name"] or found["old_name"]
    return bool(
        _SERVERS.fullmatch(server)
        or server in _UUIDS
        or server in _known_to_the_sdk()
        or _COLLECTION_OR_FLOW.fullmatch(name)
    )


def _known_to_the_sdk() -> set[str]:
    """Return the resource servers of the services that the installed globus-sdk has a client for."""
    builders = (getattr(scopes, name) for name in dir(scopes) if name.endswith("Scopes"))
    servers = (getattr(builder, "resource_server", None) for builder in builders)
    return {server.lower() for server in servers if isinstance(server, str)}


def _is_globus(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" and f".{parts.hostname}".lower().endswith(".globus.org")
