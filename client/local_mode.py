"""Recognize a provider in local mode, and say how to log in there."""

from __future__ import annotations

import os
from collections.abc import Callable
from urllib.parse import urlsplit

import globus_sdk
import requests

from .transport import LOOPBACK

PROBE_SECONDS = 1.0


def auth_is_local() -> bool:
    """Return whether GLOBUS_SDK_SERVICE_URL_AUTH names a stand-in for Globus Auth on this machine."""
    return urlsplit(globus_sdk.AuthClient().base_url).hostname in LOOPBACK


def is_unclear_which_auth(provider_url: str | None) -> bool:
    """Return whether the provider is on this machine while nothing says whether its Globus Auth is too."""
    here = urlsplit(provider_url or "").hostname in LOOPBACK
    return here and not os.environ.get("GLOBUS_SDK_SERVICE_URL_AUTH")


def not_logged_in(provider_url: str | None) -> str:
    """Return what to do for a provider on this machine that the caller is not logged in to."""
    return (
        "You are not logged in. Set ACTION_TOKEN or --token (in local mode, to local-token-alice). "
        f"To log in, first run:\n{how_to_select_auth(provider_url)}\n"
        "(At Globus itself, a login needs ACTION_CLIENT_ID.)"
    )


def which_auth(provider_url: str | None) -> str:
    """Return how to select the Globus Auth that issued a token."""
    return (
        "It is unclear which Globus Auth issued this token. In local mode: "
        f"{how_to_select_auth(provider_url)} (for a token of Globus: https://auth.globus.org/)"
    )


def how_to_select_auth(provider_url: str | None, *, is_auth: Callable[[str], bool] | None = None) -> str:
    """Return the command that selects the provider's stand-in for Globus Auth.

    The client does not know its port. It tries the default, the provider's port plus one.

    :param is_auth: whether a stand-in answers at a URL.
    """
    port = urlsplit(provider_url or "").port
    likely = f"http://127.0.0.1:{(port or 0) + 1}/"
    if port and (is_auth or _is_auth)(likely):
        return f"export GLOBUS_SDK_SERVICE_URL_AUTH={likely}"
    return (
        "export GLOBUS_SDK_SERVICE_URL_AUTH=http://127.0.0.1:AUTH_PORT/ "
        "with the provider's --auth-port (by default, its port plus 1)"
    )


def _is_auth(url: str) -> bool:
    try:
        session = requests.Session()
        session.trust_env = False  # no proxy
        response = session.get(f"{url}.well-known/openid-configuration", timeout=PROBE_SECONDS, allow_redirects=False)
        return response.ok and "jwks_uri" in response.json()
    except (requests.RequestException, ValueError, TypeError):
        return False
