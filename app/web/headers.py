"""The security headers of every response."""

from __future__ import annotations

from flask import Flask, Response

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
"""So that no browser runs a response as a script, stores it, or shows it in a frame of another page."""


def add_security_headers(app: Flask) -> None:
    """Have every response carry HEADERS, unless its handler has set them."""

    @app.after_request
    def add(response: Response) -> Response:
        headers = response.headers
        for name, value in HEADERS.items():
            if name not in headers:
                headers[name] = value
        return response
