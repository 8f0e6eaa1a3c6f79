"""Refuses requests that other websites could make a browser send to the stand-in."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from flask import Response, abort, request

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


def is_loopback(host: str) -> bool:
    """Return whether a host name or address, without a port, is this machine's loopback interface."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def refuse_foreign_requests() -> None:
    """Refuse a foreign `Host` name (DNS rebinding) and a changing request from another site's page."""
    host = host_name(request.headers.get("Host", ""))
    if not is_loopback(host):
        abort(403, "local_globus answers only under a loopback name or address, such as 127.0.0.1")
    if request.method not in SAFE_METHODS and is_cross_site():
        abort(403, "local_globus refuses requests from pages of other sites")


def host_name(host: str) -> str:
    """Return the name or address in a Host header, without port and brackets; empty if it is malformed."""
    try:
        parts = urlsplit(f"//{host}")
        return (parts.hostname or "") if parts.netloc == host and parts.username is None else ""
    except ValueError:
        return ""


def is_cross_site() -> bool:
    """Return whether a browser says that the request comes from another origin; other clients do not say."""
    origin = request.headers.get("Origin")
    fetch_site = request.headers.get("Sec-Fetch-Site", "none")
    return fetch_site not in ("none", "same-origin") or origin not in (None, request.host_url.rstrip("/"))


def harden(response: Response) -> Response:
    """Add headers that forbid framing, loading anything from another site, and caching."""
    policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; frame-ancestors 'none'"
    response.headers.setdefault("Content-Security-Policy", f"{policy}; base-uri 'none'")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("Cache-Control", "no-store")
    return response
