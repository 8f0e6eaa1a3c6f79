"""The Action Provider as a Flask application: create_app(), the hook before each request, a handler per operation.

A request passes `authenticate_and_read`, its handler, the domain (`app.action`), and the database, and comes back as
JSON.
"""

from __future__ import annotations

if __name__ == "__main__":  # python app/app.py: the same as python -m app
    import runpy
    import sys
    from pathlib import Path

    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    runpy.run_module("app", run_name="__main__", alter_sys=True)
    sys.exit()

import functools
import time
import weakref
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Request, Response, current_app, g, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from app import commands
from app.action.advancing import unknown
from app.action.record import Action
from app.auth.access import is_authorized, principals, require
from app.limiter import THREADS
from app.monitoring.observation import Observer
from app.provider import Provider, open_provider
from app.settings import ROOT, load
from app.web.body import read_body
from app.web.errors import register_error_handlers
from app.web.hosts import refuse_foreign_hosts
from app.web.pages import public_pages
from app.web.pagination import list_query, log_page, next_page
from app.web.responses import OrjsonProvider, SecurityHeaders
from app.web.routes import Routes

Document = dict[str, Any]

operations = Routes("operations", __name__)
introspection = Routes("introspection", __name__)


def utc_now() -> datetime:
    return datetime.now(UTC)


def create_app(
    overrides: Mapping[str, Any] | None = None,
    *,
    clock: Callable[[], datetime] = utc_now,
    timer: Callable[[], float] = time.monotonic,
    threads: int = THREADS,
) -> Flask:
    """Return the WSGI application.

    :param overrides: settings that take precedence over the environment and config.py.
    :param clock: tells the time, in UTC.
    :param timer: a monotonic clock, in seconds.
    :param threads: how many threads the server gives a worker.
    :raises SettingsError: a setting is wrong, or the credentials are missing.
    """
    settings = load(overrides)
    app = Flask("app", static_folder=None, root_path=str(ROOT))
    commands.add_commands(app, settings, clock)
    if commands.is_requested():
        return app
    provider = open_provider(settings, clock=clock, timer=timer, threads=threads)
    app.extensions["provider"] = provider
    weakref.finalize(app, provider.close)  # when the process ends, or nothing uses the application anymore
    app.config["MAX_CONTENT_LENGTH"] = settings.max_content_length
    app.json = OrjsonProvider(app)
    app.url_map.merge_slashes = False
    app.wsgi_app = Observer(SecurityHeaders(app.wsgi_app), provider.metrics, provider.request_log)  # type: ignore[method-assign]
    if settings.docs_tokens:
        refuse_foreign_hosts(app)
    register_error_handlers(app)
    app.register_blueprint(operations)
    app.register_blueprint(introspection)
    app.register_blueprint(
        public_pages(
            openapi=provider.openapi,
            people=settings.docs_tokens or {},
            health=provider.health,
            metrics=provider.metrics,
        )
    )
    return app


def this_provider() -> Provider:
    """Return the provider of the current application."""
    provider: Provider = current_app.extensions["provider"]
    return provider


@operations.before_request
def authenticate_and_read() -> None:
    """Find out who is calling, read the body, and only then look at the clock."""
    provider = this_provider()
    known = g._get_current_object()  # the object behind the proxy, each use of which takes microseconds
    asked: Request = request._get_current_object()  # type: ignore[attr-defined]  # Flask declares it as a Request
    caller = provider.tokens.authenticate(asked.environ.get("HTTP_AUTHORIZATION"))
    known.caller = caller
    if asked.method == "POST":
        known.body = read_body(asked, provider.limiter, caller.effective_identity)
    known.now = provider.now()


def with_action(handler: Callable[[Action], Any], *, manages: bool) -> Callable[[str], Any]:
    """Call the handler with the action instead of its id."""

    @functools.wraps(handler)
    def load(action_id: str) -> Any:
        return handler(current_action(action_id, manages=manages))

    return load


for_readers = functools.partial(with_action, manages=False)
"""Declares that the caller must be allowed to read the action; to others, it does not exist."""

for_managers = functools.partial(with_action, manages=True)
"""Declares that the caller must be allowed to manage the action; those who may only read it get 403."""


def current_action(action_id: str, *, manages: bool) -> Action:
    """Return the action as it is now.

    :raises NotFound: it does not exist, or the caller may not read it: callers cannot tell which.
    :raises NotAuthorized: the caller may read it, but not manage it.
    """
    actions, known = this_provider().actions, g._get_current_object()
    caller, now = known.caller, known.now
    action = actions.get(action_id)
    if action is None or not is_authorized(caller, action.readers):
        raise unknown(action_id)
    known.action_id = action_id
    if manages and not action.is_expired(now):
        require(caller, action.managers, "manage this action")
    return actions.current(action, now, caller)


@introspection.get("/")
def introspect() -> BaseResponse:
    provider = this_provider()
    if "Authorization" not in request.headers and request.accept_mimetypes.best == "text/html":
        return redirect(url_for("public.docs_page"), 303)  # a person with a browser
    if not provider.settings.is_public:
        g.caller = provider.tokens.authenticate(request.environ.get("HTTP_AUTHORIZATION"))
        require(g.caller, provider.settings.visible_to, "see this provider")
    headers = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "*"}
    return Response(provider.introspection, content_type="application/json", headers=headers)


@introspection.route("/", methods=["OPTIONS"])
def preflight() -> tuple[str, int, dict[str, str]]:
    headers = {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": "GET, OPTIONS",
        "Access-Control-Allow-Headers": "Authorization",
        "Access-Control-Max-Age": "86400",
    }
    return "", 204, headers


@operations.post("/run")
@operations.post("/actions")
def run() -> tuple[Document, int]:
    provider, caller = this_provider(), g.caller
    require(caller, provider.settings.runnable_by, "run actions of this provider")
    asked = provider.requests.parse(g.body, g.now)
    action, is_new = provider.actions.run(asked, caller, g.now)
    g.action_id = action.action_id
    provider.actions.tidy(g.now)
    return action.view(g.now), 202 if is_new else 200


@operations.get("/actions")
def enumerate_actions() -> Response:
    provider, asked, now = this_provider(), request.args.to_dict(), g.now
    with_groups = asked.get("roles", "").casefold() not in ("", "creator_id")
    query = list_query(asked, principals(g.caller, with_groups=with_groups))
    page = provider.actions.list(query, now)
    response = Response(f"[{','.join(page.documents)}]\n", content_type="application/json")
    if page.last is not None:
        response.headers["Link"] = next_page(request.script_root + request.path, asked, page.last)
    return response


@operations.get("/<action_id>/status")
@operations.get("/actions/<action_id>")
@for_readers
def status(action: Action) -> Document:
    return action.view(g.now)


@operations.get("/<action_id>/log")
@operations.get("/actions/<action_id>/log")
@for_readers
def log(action: Action) -> Document:
    return log_page(action.log(g.now), request.args)


@operations.post("/<action_id>/cancel")
@operations.post("/actions/<action_id>/cancel")
@for_managers
def cancel(action: Action) -> Document:
    return this_provider().actions.cancel(action, g.now, g.caller).view(g.now)


@operations.post("/<action_id>/release")
@operations.delete("/actions/<action_id>")
@for_managers
def release(action: Action) -> Document:
    return this_provider().actions.release(action, g.now, g.caller).view(g.now)


@operations.post("/<action_id>/resume")
@operations.post("/actions/<action_id>/resume")
@for_managers
def resume(action: Action) -> Document:
    return this_provider().actions.resume(action, g.now, g.caller).view(g.now)
