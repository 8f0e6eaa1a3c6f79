"""The startup of local mode: no account and no network, with a stand-in for Globus next to the provider.

This is the only place where the provider knows of `local_globus`.
"""

from __future__ import annotations

import json
import os
import shlex

from app.settings import PREFIX, Settings
from local_globus.__main__ import people_lines
from local_globus.directory import CLIENT_SECRET, PEOPLE, PROVIDER_CLIENT_ID, PROVIDER_SCOPE
from local_globus.server import start_globus
from local_globus.web import create_globus


def start_local_globus(port: int, scope: str | None) -> str:
    """Start the stand-in, and point globus-sdk and the settings of this process and its children to it.

    :returns: the scope of the local tokens.
    :raises OSError: the port is taken.
    """
    scope = scope or PROVIDER_SCOPE
    start_globus(create_globus(scope), port).point_sdk_here()
    tokens = ",".join(f"{person.name}=local-token-{person.name}" for person in PEOPLE)
    here = {"CLIENT_ID": PROVIDER_CLIENT_ID, "CLIENT_SECRET": CLIENT_SECRET, "SCOPE": scope, "DOCS_TOKENS": tokens}
    os.environ.update({PREFIX + name: value for name, value in here.items()})
    return scope


def banner(url: str, globus_url: str, scope: str, settings: Settings) -> str:
    """Return what a newcomer needs to know, with a `curl` line to paste."""
    work = settings.work
    own = [
        f"{PREFIX}{name}={value:g}"
        for name, value in settings.work_settings.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]
    return "\n".join(
        [
            f"{work.description['title']} runs at {url}",
            "Local mode, for development only: anyone can act as any user. Ctrl-C stops it.",
            "",
            f"  globus  {globus_url} (the stand-in for Globus Auth and Groups)",
            f"  scope   {scope}",
            *([f"  with    {' '.join(own)}"] if own else []),
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
            f"    -d {shlex.quote(json.dumps({'request_id': 'my-first-request', 'body': work.example_body}))}",
            "",
        ]
    )
