"""Which provider a stored token was obtained for: a provider does not get another's by naming the scope of that one."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from globus_sdk.globus_app import GlobusApp
from globus_sdk.scopes import FlowsScopes, TimersScopes

from .errors import NOT_ALLOWED, Refusal
from .scope import resource_server

_OF_A_PROVIDER = re.compile(r"https://auth\.([a-z0-9-]+\.)*globus\.org/scopes/[^\s/\[\]]+/[^\s\[\]]+")
_SERVICES = re.compile(r"(.+\.)?(api|auth|groups|nexus)\.([a-z]+\.)*globus\.org", re.IGNORECASE)
_SERVICES_BY_UUID = {resource_server(str(scope)) for scope in (FlowsScopes.manage_flows, TimersScopes.timer)}


def claim(app: GlobusApp, url: str, scope: str, *, given: bool) -> None:
    """Note that the provider at `url` gets the tokens for `scope`.

    globus-sdk files tokens by resource server alone, so it is the resource server that belongs to a provider.

    :param given: whether the caller has named the scope; else it is what the provider says.
    :raises Refusal: the provider says so, and the scope is a Globus service's, or its tokens are another provider's.
    """
    if not given:
        _refuse_a_service(scope)
    server, origin = resource_server(scope), _origin(url)
    stored = server in _stored(app)
    known = _read(app)
    owners = known.get(server, []) if stored else []  # a login that never ended leaves a line without a token
    if stored and origin not in owners and not given and not _is_run_by(server, url):
        other = owners[0] if owners else "another service"
        raise Refusal(
            f"This provider names the scope that your token for {other} is for, and would get that token: "
            f"if you trust this provider, give --action-scope {scope}",
            NOT_ALLOWED,
        )
    if origin not in owners:
        _write(app, {**known, server: [*owners, origin]})


def forget(app: GlobusApp) -> None:
    """Forget whose the tokens were."""
    _file(app).unlink(missing_ok=True)


def _refuse_a_service(scope: str) -> None:
    if _OF_A_PROVIDER.fullmatch(scope):
        server = resource_server(scope)
        if not _SERVICES.fullmatch(server) and server.lower() not in _SERVICES_BY_UUID:
            return
    raise Refusal(
        f"This provider names {scope[:200]!r} as its scope, which is not one of an Action Provider: "
        "if you trust this provider, give --action-scope yourself.",
        NOT_ALLOWED,
    )


def _is_run_by(server: str, url: str) -> bool:
    """Whether the resource server is a domain that the provider is in: actions.globus.org has many providers."""
    parts = urlsplit(url)
    return "." in server and parts.scheme == "https" and f".{parts.hostname}".endswith(f".{server.lower()}")


def _origin(url: str) -> str:
    """The URL in the one form that it is compared in."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}:{port}{parts.path.rstrip('/')}"


def _stored(app: GlobusApp) -> Mapping[str, Any]:
    storage: Any = app.token_storage
    return dict(storage.token_storage.get_token_data_by_resource_server())


def _file(app: GlobusApp) -> Path:
    storage: Any = app.token_storage
    return Path(storage.token_storage.filepath).with_name("providers.json")


def _read(app: GlobusApp) -> dict[str, list[str]]:
    """The URLs of the providers by resource server; none where the file is not there, or not as it was written."""
    try:
        document = json.loads(_file(app).read_text(encoding="utf-8"))
        return {server: [str(origin) for origin in origins] for server, origins in document.items()}
    except (FileNotFoundError, ValueError, AttributeError, TypeError):
        return {}


def _write(app: GlobusApp, origins: Mapping[str, list[str]]) -> None:
    file = _file(app)
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(f".{os.getpid()}")
    new.touch(mode=0o600)
    new.write_text(json.dumps(origins, indent=2), encoding="utf-8")
    new.replace(file)
