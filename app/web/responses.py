"""Responses: JSON by orjson, several times as fast as Flask's own encoder, and security headers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import orjson
from flask import Response
from flask.json.provider import JSONProvider

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
"""Keep browsers from running a response as a script, storing it, or showing it in a frame of another page."""


def to_json(document: Any) -> bytes:
    """Return the document as JSON text with a final newline."""
    return orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE)


class OrjsonProvider(JSONProvider):
    """Flask's JSON provider (its documented hook), by orjson."""

    def dumps(self, obj: Any, **_options: Any) -> str:
        return orjson.dumps(obj).decode()

    def loads(self, s: str | bytes, **_options: Any) -> Any:
        return orjson.loads(s)

    def response(self, *args: Any, **kwargs: Any) -> Response:
        body = to_json(self._prepare_response_obj(args, kwargs))
        response: Response = self._app.response_class(body, content_type="application/json")
        return response


class SecurityHeaders:
    """WSGI middleware that adds HEADERS to each response, except those that its handler has set."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Callable[[bytes], object]:
            present = {name.lower() for name, _ in headers}
            headers += [header for header in HEADERS.items() if header[0].lower() not in present]
            return start_response(status, headers, *more)

        return self._app(environ, start)
