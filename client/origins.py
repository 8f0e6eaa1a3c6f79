"""Remember which provider each stored token is for: naming another provider's scope must not obtain its token."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from globus_sdk.globus_app import ClientApp, GlobusApp

from .errors import NOT_ALLOWED, Refusal
from .scope import resource_server
from .services import may_receive, of_globus

_OF_A_PROVIDER = re.compile(r"https://auth\.([a-z0-9-]+\.)*globus\.org/scopes/[^\s/\[\]]+/[^\s\[\]]+")


def claim(app: GlobusApp, url: str, scope: str, *, given: bool) -> None:
    """Record that the provider at `url` receives the tokens for `scope`.

    globus-sdk stores tokens by resource server, so each resource server belongs to one provider.

    :param given: whether the caller named the scope; otherwise the provider did.
    :raises Refusal: the scope belongs to a Globus service; or only the provider says that the scope is its own, and
        its tokens belong to another provider, or the caller is a service, to which Globus Auth shows no consent page.
    """
    _refuse_a_scope_of_globus(url, scope)
    if not given:
        _refuse_unless_plain(scope)
    server, origin = resource_server(scope), _origin(url)
    stored = server in _stored(app)
    known = _read(app)
    owners = known.get(server, []) if stored else []  # a login that was never completed leaves a line without a token
    if origin not in owners and not given:
        advice = f"add --action-scope {shlex.quote(scope)}"
        if stored and not _is_run_by(server, url):
            raise Refusal(
                "This provider asks for the scope of your token for "
                f"{owners[0] if owners else 'another service'}, and would get that token. "
                f"If you trust this provider, {advice}",
                NOT_ALLOWED,
            )
        if isinstance(app, ClientApp):
            raise Refusal(
                "A service (ACTION_CLIENT_SECRET) must name a provider's scope the first time it calls the "
                f"provider. If you trust {url} with a token for it, {advice}",
                NOT_ALLOWED,
            )
    if origin not in owners:
        _write(app, {**known, server: [*owners, origin]})


def forget(app: GlobusApp) -> None:
    """Delete the record of which token is for which provider."""
    _file(app).unlink(missing_ok=True)


def _refuse_a_scope_of_globus(url: str, scope: str) -> None:
    if not may_receive(url, scope):
        raise Refusal(of_globus(scope), NOT_ALLOWED)


def _refuse_unless_plain(scope: str) -> None:
    if not _OF_A_PROVIDER.fullmatch(scope):
        raise Refusal(
            f"This provider names {scope[:200]!r} as its scope, which is not the scope of an Action Provider. "
            "If you trust this provider, give --action-scope yourself.",
            NOT_ALLOWED,
        )


def _is_run_by(server: str, url: str) -> bool:
    """Return whether the resource server is a domain that contains the provider: actions.globus.org has many."""
    parts = urlsplit(url)
    return "." in server and parts.scheme == "https" and f".{parts.hostname}".endswith(f".{server.lower()}")


def _origin(url: str) -> str:
    """Return the URL in a canonical form, for comparison."""
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
    """Return the providers' URLs by resource server; empty if the file is missing or damaged."""
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
