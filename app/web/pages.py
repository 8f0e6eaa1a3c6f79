"""The pages that need no token and reveal no action: /openapi.json, /docs, /health, and /metrics."""

from __future__ import annotations

import functools
import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import flask_swagger_ui
from flask import Response, request
from werkzeug.exceptions import NotAcceptable

from app.action.error import NotFound
from app.monitoring.health import Health
from app.monitoring.metrics import CONTENT_TYPE, Metrics
from app.web.routes import Routes

OURS = Path(__file__).parent / "docs_page"
SWAGGER_UI = Path(flask_swagger_ui.__file__).parent / "dist"
FILES = {
    **{name: OURS / name for name in ("docs.css", "docs.js")},
    **{name: SWAGGER_UI / name for name in ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png")},
}
"""The files of the /docs page: ours, and those of Swagger UI, which a package provides."""

LARGE_BYTES = 65_536
"""A larger file is sent only compressed, because each connection holds a copy in memory until it is read."""

HEADERS = {
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; "  # Swagger UI's icons are in its style sheet
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}
"""The /docs page may run our own scripts and call this provider, and nothing else."""


def public_pages(*, openapi: bytes, people: Mapping[str, str], health: Health, metrics: Metrics) -> Routes:
    """Return the blueprint of the pages.

    :param openapi: the OpenAPI description, as JSON text.
    :param people: the people that /docs offers to act as, with their tokens.
    """
    public = Routes("public", __name__)
    for path in (OURS / "index.html", *FILES.values()):
        _content(path)  # once, so that simultaneous requests need not

    @public.get("/openapi.json")
    def openapi_json() -> Response:
        return Response(openapi, content_type="application/json", headers={"Access-Control-Allow-Origin": "*"})

    @public.get("/docs")
    @public.get("/docs/")
    def docs_page() -> Response:
        return _file(OURS / "index.html")

    @public.get("/docs/people.json")
    def docs_people() -> list[dict[str, str]]:
        return [{"name": name, "token": token} for name, token in people.items()]

    @public.get("/docs/<name>")
    def docs_file(name: str) -> Response:
        if name not in FILES:
            raise NotFound("The page at /docs has no such file.")
        return _file(FILES[name])

    @public.get("/health", endpoint="health")
    def health_page() -> tuple[dict[str, Any], int]:
        report = health.report()
        return report, 200 if report["status"] == "ok" else 503

    @public.get("/metrics", endpoint="metrics")
    def metrics_page() -> Response:
        return Response(metrics.render(), content_type=CONTENT_TYPE)

    return public


def _file(path: Path) -> Response:
    """Return the file, or 304 if the browser has it already.

    A request without Accept-Encoding accepts any encoding (RFC 9110, section 12.5.3).

    :raises NotAcceptable: the file is large, and the request does not accept gzip.
    """
    mimetype, _ = mimetypes.guess_type(path.name)
    plain, compressed, tag = _content(path)
    known = request.if_none_match.contains_weak(tag)
    takes_gzip = "Accept-Encoding" not in request.headers or request.accept_encodings["gzip"] > 0
    if not takes_gzip and len(plain) > LARGE_BYTES:
        raise NotAcceptable("This file is sent only with gzip. Send the header 'Accept-Encoding: gzip'.")
    content = compressed if takes_gzip else plain
    response = Response(None if known else content, 304 if known else 200, mimetype=mimetype, headers=HEADERS)
    response.headers["Vary"] = "Accept-Encoding"
    if takes_gzip and not known:
        response.headers["Content-Encoding"] = "gzip"
    response.set_etag(tag, weak=True)
    return response


@functools.cache
def _content(path: Path) -> tuple[bytes, bytes, str]:
    """Return the bytes of a file, plain and compressed, and a tag that changes with them."""
    content = path.read_bytes()
    return content, gzip.compress(content, 6, mtime=0), hashlib.sha256(content).hexdigest()[:32]
