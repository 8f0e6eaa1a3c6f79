"""Flask remains Flask: what a handler author relies on works in this application."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest
from flask import Flask, Response, g, url_for

from app import create_app
from app.database import Database
from tests.api import provider_of
from tests.conftest import CREDENTIALS, AppFactory


@pytest.fixture
def app(new_app: AppFactory) -> Flask:
    return new_app()


def test_a_header_that_a_handler_sets_is_sent_once(app: Flask) -> None:
    @app.get("/cached")
    def cached() -> Response:
        return Response(
            "text", headers={"Cache-Control": "max-age=60", "Content-Security-Policy": "default-src 'self'"}
        )

    headers = app.test_client().get("/cached").headers
    assert headers.getlist("Cache-Control") == ["max-age=60"]
    assert headers.getlist("Content-Security-Policy") == ["default-src 'self'"]
    assert headers.getlist("X-Content-Type-Options") == ["nosniff"]


def test_call_on_close_runs_once_the_response_is_sent(app: Flask) -> None:
    closed = []

    @app.get("/closing")
    def closing() -> Response:
        response = Response("text")
        response.call_on_close(lambda: closed.append(True))
        return response

    app.test_client().get("/closing").close()
    assert closed == [True]


def test_url_for_makes_external_urls(app: Flask) -> None:
    @app.get("/where")
    def where() -> str:
        return url_for("operations.status", action_id="id-1", _external=True)

    response = app.test_client().get("/where", base_url="http://provider.example:5000/")
    assert response.text.startswith("http://provider.example:5000/")


def test_after_request_and_blueprints_of_an_author_work(app: Flask) -> None:
    @app.after_request
    def mark(response: Response) -> Response:
        response.headers["X-Author"] = str(g.get("author"))
        return response

    @app.before_request
    def author() -> None:
        g.author = "me"

    assert app.test_client().get("/openapi.json").headers["X-Author"] == "me"


def test_an_application_that_is_dropped_closes_its_database(tmp_path: Path) -> None:
    def is_open() -> bool:
        return any(path.resolve() == tmp_path / "actions.db" for path in Path("/proc/self/fd").iterdir())

    def use_and_drop() -> Database:
        app = create_app({**CREDENTIALS, "DATABASE_URL": f"sqlite:///{tmp_path}/actions.db"})
        database = provider_of(app).database
        database.check()
        assert is_open()
        return database

    database = use_and_drop()  # held, so that nothing but the application can have closed it
    gc.collect()
    assert not is_open(), database
