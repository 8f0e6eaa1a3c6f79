"""The start-up of local mode: no account, no network, a stand-in for Globus next to the provider.

The one place where the provider knows of `local_globus`.
"""

from __future__ import annotations

import ipaddress
import json
import os
from collections.abc import Mapping
from typing import Any

from app.settings import PREFIX
from local_globus.__main__ import people_lines
from local_globus.directory import CLIENT_SECRET, PEOPLE, PROVIDER_CLIENT_ID, PROVIDER_SCOPE
from local_globus.server import start_globus
from local_globus.web import create_globus


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def start_local_globus(port: int, scope: str | None) -> str:
    """Start the stand-in; globus-sdk and the settings of this process and its children refer to it afterwards.

    :returns: the scope that the local tokens have.
    :raises OSError: the port is taken.
    """
    scope = scope or PROVIDER_SCOPE
    start_globus(create_globus(scope), port).point_sdk_here()
    tokens = ",".join(f"{person.name}=local-token-{person.name}" for person in PEOPLE)
    here = {"CLIENT_ID": PROVIDER_CLIENT_ID, "CLIENT_SECRET": CLIENT_SECRET, "SCOPE": scope, "DOCS_TOKENS": tokens}
    os.environ.update({PREFIX + name: value for name, value in here.items()})
    return scope


def banner(url: str, scope: str, *, title: str, example_body: Mapping[str, Any]) -> str:
    """What somebody needs who sees this for the first time, `curl` line included."""
    return "\n".join(
        [
            f"{title} runs at {url}",
            "Local mode, for development only: everybody can be anybody. Ctrl-C stops it.",
            "",
            f"  scope   {scope}",
            "  tokens",
            *people_lines("    "),
            "",
            f"Try it in a browser: {url}/docs",
            "",
            "Ask it what it is:",
            "",
            f'  curl -H "Authorization: Bearer local-token-alice" {url}/',
            "",
            "Run an action:",
            "",
            f'  curl -H "Authorization: Bearer local-token-alice" {url}/run \\',
            f"    -d '{json.dumps({'request_id': 'my-first-request', 'body': example_body})}'",
            "",
        ]
    )
