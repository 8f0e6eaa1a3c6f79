"""What is open to everybody and shows no action: the OpenAPI description, and the page to read it and try it out."""

from __future__ import annotations

import functools
import hashlib
import mimetypes
from collections.abc import Callable
from pathlib import Path

import flask_swagger_ui
from flask import Response, request

from app.error import NotFound
from app.provider import Answer, this_call

OURS = Path(__file__).parent / "docs_page"
SWAGGER_UI = Path(flask_swagger_ui.__file__).parent / "dist"
FILES = {
    **{name: OURS / name for name in ("docs.css", "docs.js")},
    **{name: SWAGGER_UI / name for name in ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png")},
}
"""The page's files: ours, and those of Swagger UI, which a package brings along."""


class Page(Answer):
    """A file of the page, which may run scripts of ours, and ask us, and nobody else."""

    safety = (
        ("X-Content-Type-Options", "nosniff"),
        ("Cache-Control", "no-cache"),
        ("Referrer-Policy", "no-referrer"),
        (
            "Content-Security-Policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
            "img-src 'self' data:; "  # Swagger UI's icons are in its style sheet
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
    )


def openapi() -> Response:
    return Answer(
        this_call().provider.openapi, content_type="application/json", headers={"Access-Control-Allow-Origin": "*"}
    )


def docs_page() -> Response:
    return _file(OURS / "index.html")


def docs_file(name: str) -> Response:
    if name not in FILES:
        raise NotFound("The page at /docs has no such file.")
    return _file(FILES[name])


def docs_people() -> Response:
    """Who the page offers to be: in local mode, everybody can be anybody."""
    provider = this_call().provider
    people = provider.config["DOCS_TOKENS"] or {}
    return provider.json.response([{"name": name, "token": token} for name, token in people.items()])


PAGES: tuple[tuple[str, Callable[..., Response]], ...] = (
    ("/openapi.json", openapi),
    ("/docs", docs_page),
    ("/docs/", docs_page),
    ("/docs/people.json", docs_people),
    ("/docs/<name>", docs_file),
)
"""What is served to a GET without a token."""


def _file(path: Path) -> Page:
    """The file, or nothing where the browser has it already."""
    kind, _ = mimetypes.guess_type(path.name)
    content, tag = _content(path)
    known = request.if_none_match.contains_weak(tag)
    page = Page(None if known else content, 304 if known else 200, mimetype=kind)
    page.set_etag(tag)
    return page


@functools.cache
def _content(path: Path) -> tuple[bytes, str]:
    """The bytes of a file, and what is different when they are."""
    content = path.read_bytes()
    return content, hashlib.sha256(content).hexdigest()[:32]
