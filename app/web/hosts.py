"""Refuses foreign host names in local mode, so that no web page can reach it by rebinding a name to this machine."""

from __future__ import annotations

import ipaddress
import re

from flask import Flask, request

from app.action.error import InvalidRequest

_PORT = re.compile(r":\d*$")


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach `host`, a name or an IP address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def refuse_foreign_hosts(app: Flask) -> None:
    """Make the application answer only requests whose Host header names this machine."""

    @app.before_request
    def check() -> None:
        host = _PORT.sub("", request.environ.get("HTTP_HOST", "localhost"))
        if not is_loopback(host.strip("[]").lower()):
            raise InvalidRequest("Local mode answers only to localhost, 127.0.0.1, and [::1].")
