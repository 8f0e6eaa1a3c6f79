"""The Action Provider as a Flask application: create_app(), one hook before each request, one handler an operation.

The way of a request: `before_request` (who? valid?), handler, database, `action.view(now)`, JSON.
"""

from __future__ import annotations

if __name__ == "__main__":  # python app/app.py: the same as python -m app
    import runpy
    import sys
    from pathlib import Path

    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    runpy.run_module("app", run_name="__main__", alter_sys=True)
    sys.exit()

import json
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from random import Random
from typing import Any, cast

import orjson
from flask import Blueprint, Flask, Response, current_app, g, request
from flask.json.provider import JSONProvider
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from app import settings, whattime
from app.action import Action, Limits, start
from app.action_request import RequestParser
from app.auth import authenticate, may, open_auth
from app.database import open_database
from app.error import ApiError, DeveloperError, InvalidState, NotAuthorized, NotFound, from_http_exception, shorten
from app.introspection import describe
from app.page import log_page

Document = dict[str, Any]


def utc_now() -> datetime:
    return datetime.now(UTC)


class OrjsonProvider(JSONProvider):
    """JSON by orjson: several times as fast as Flask's own, and times as ISO 8601 without further ado."""

    def dumps(self, obj: Any, **_options: Any) -> str:
        return orjson.dumps(obj).decode()

    def loads(self, s: str | bytes, **_options: Any) -> Any:
        return orjson.loads(s)

    def response(self, *args: Any, **kwargs: Any) -> Response:
        return Response(orjson.dumps(self._prepare_response_obj(args, kwargs)), mimetype="application/json")


class ActionProvider(Flask):
    """The application, with what its handlers work with.

    :param config: checked settings, credentials among them.
    :param clock: tells the time, in UTC.
    """

    json_provider_class = OrjsonProvider

    def __init__(self, config: Mapping[str, Any], clock: Callable[[], datetime]) -> None:
        super().__init__("app", static_folder=None, root_path=str(settings.ROOT))
        self.config.update(config)
        self.url_map.merge_slashes = False
        self.now = clock
        self.random = Random(config["RANDOM_SEED"])  # noqa: S311  # chance, not secrecy
        self.database = open_database(config["DATABASE_URL"])
        self.auth = open_auth(
            config["CLIENT_ID"],
            config["CLIENT_SECRET"],
            config["SCOPE"],
            ttl_seconds=config["TOKEN_CACHE_SECONDS"],
            size=config["TOKEN_CACHE_SIZE"],
        )
        self.limits = Limits(config["RELEASE_AFTER"], config["MAX_RELEASE_AFTER"], config["MAXIMUM_DEADLINE"])
        input_schema = json.loads((settings.ROOT / "schema.json").read_text("utf-8"))
        self.requests = RequestParser(input_schema)
        self.description = describe(whattime.DESCRIPTION, input_schema, config)


def create_app(overrides: Mapping[str, Any] | None = None, *, clock: Callable[[], datetime] = utc_now) -> Flask:
    """The WSGI application.

    :param overrides: settings that come before the environment and config.py.
    :raises SettingsError: one is wrong, or the credentials are missing.
    """
    config = settings.load(overrides)
    settings.require_credentials(config)
    app = ActionProvider(config, clock)
    app.register_blueprint(operations)
    app.before_request(before_request)
    app.register_error_handler(Exception, on_error)
    return app


operations = Blueprint("action_provider", __name__)


def before_request() -> None:
    """Who is asking, and is what they ask valid? What the handlers need to know is in `g` afterwards."""
    endpoint = request.endpoint
    if request.routing_exception is not None or endpoint == "action_provider.preflight":
        return
    app = provider()
    g.now = app.now()
    if endpoint == "action_provider.introspect" and "public" in app.config["VISIBLE_TO"]:
        return
    g.auth_state = authenticate(app.auth)
    if (request.content_length or 0) > app.config["MAX_CONTENT_LENGTH"]:
        raise RequestEntityTooLarge
    if endpoint == "action_provider.run":
        require(app.config["RUNNABLE_BY"], "run actions of this provider")
        g.action_request = app.requests.parse(whole_body(), g.now)


@operations.get("/", provide_automatic_options=False)
def introspect() -> Response:
    app = provider()
    if "public" not in app.config["VISIBLE_TO"]:
        require(app.config["VISIBLE_TO"], "see this provider")
    response = app.json.response(app.description)
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


@operations.route("/", methods=["OPTIONS"], provide_automatic_options=False)
def preflight() -> Response:
    headers = {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": "GET, OPTIONS",
        "Access-Control-Allow-Headers": "Authorization",
        "Access-Control-Max-Age": "86400",
    }
    return Response(status=204, headers=headers)


@operations.post("/run", provide_automatic_options=False)
@operations.post("/actions", provide_automatic_options=False)
def run() -> tuple[Document, int]:
    database, asked, caller = provider().database, g.action_request, g.auth_state
    action = database.find(caller.effective_identity, asked.request_id, g.now)
    if action is None:
        new = begin()
        action = database.create(new)
        if action is new:
            return action.view(g.now), 202
    if action.content != asked.content:
        raise InvalidState("This request_id has been used for another request: choose a new one.")
    return action.view(g.now), 200


@operations.get("/<action_id>/status", provide_automatic_options=False)
@operations.get("/actions/<action_id>", provide_automatic_options=False)
def status(action_id: str) -> Document:
    return readable(action_id).view(g.now)


@operations.post("/<action_id>/cancel", provide_automatic_options=False)
@operations.post("/actions/<action_id>/cancel", provide_automatic_options=False)
def cancel(action_id: str) -> Document:
    action = manageable(action_id)
    cancelled = action.cancel(g.now)
    if not provider().database.replace(action, cancelled):
        raise InvalidState("The action came to its end just now: there is nothing left to cancel.")
    return cancelled.view(g.now)


@operations.post("/<action_id>/release", provide_automatic_options=False)
@operations.delete("/actions/<action_id>", provide_automatic_options=False)
def release(action_id: str) -> Document:
    action = manageable(action_id)
    action.check_releasable(g.now)
    if not provider().database.delete(action_id):
        raise unknown(action_id)
    return action.view(g.now)


@operations.get("/<action_id>/log", provide_automatic_options=False)
@operations.get("/actions/<action_id>/log", provide_automatic_options=False)
def log(action_id: str) -> Document:
    return log_page(readable(action_id).log(g.now), request.args)


@operations.post("/<action_id>/resume", provide_automatic_options=False)
@operations.post("/actions/<action_id>/resume", provide_automatic_options=False)
def resume(action_id: str) -> Document:
    action = manageable(action_id)
    raise InvalidState(f"The action is {action.status(g.now)}: only an INACTIVE one can be resumed.")


def whole_body() -> bytes:
    """The request's body.

    :raises RequestEntityTooLarge: it goes on beyond MAX_CONTENT_LENGTH, which is known only now where it has no length.
    """
    body = request.get_data(cache=False)
    cut_short = request.content_length is None and len(body) == request.max_content_length
    if cut_short and request.environ["wsgi.input"].read(1):
        raise RequestEntityTooLarge
    return body


def provider() -> ActionProvider:
    """The application that serves the current request."""
    return cast(ActionProvider, current_app)


def begin() -> Action:
    """The record of the action that the current request asks for, begun now and not stored yet."""
    app, caller = provider(), g.auth_state
    duration, outcome = whattime.begin(g.action_request.body, g.now, app.config, app.random)
    return start(
        g.action_request,
        action_id=str(uuid.uuid4()),
        creator_id=caller.effective_identity,
        identities=tuple(sorted(caller.identities)),
        now=g.now,
        duration=duration,
        outcome=outcome,
        limits=app.limits,
    )


def readable(action_id: str) -> Action:
    """The action, as the caller may read it.

    :raises NotFound: there is none, or none for this caller: nobody can tell the two apart.
    """
    action = provider().database.get(action_id, g.now)
    if action is None or not may(g.auth_state, action.readers):
        raise unknown(action_id)
    return action


def manageable(action_id: str) -> Action:
    """The action, as the caller may cancel and release it.

    :raises NotFound: there is none for this caller.
    :raises NotAuthorized: the caller may only read it.
    """
    action = readable(action_id)
    require(action.managers, "manage this action")
    return action


def require(principals: tuple[str, ...], what: str) -> None:
    """Nothing, where the caller is one of the principals.

    :raises NotAuthorized: the caller is not.
    """
    if not may(g.auth_state, principals):
        raise NotAuthorized(f"You may not {what}.")


def unknown(action_id: str) -> NotFound:
    return NotFound(f"There is no action {shorten(action_id)}.")


def on_error(error: Exception) -> tuple[Document, int, dict[str, str]]:
    """Every error's way to the caller: as an ApiError. What nobody has foreseen is logged, and told as our mistake."""
    if isinstance(error, HTTPException):
        error = from_http_exception(error)
    elif not isinstance(error, ApiError):
        current_app.logger.exception("Unexpected error in %s %s", request.method, request.endpoint)
        error = DeveloperError("Something went wrong here, and has been logged. It is not your request's fault.")
    return error.document, error.status, error.headers
