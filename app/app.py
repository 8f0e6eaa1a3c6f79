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

import functools
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, cast

import click
from flask import Flask, Request, Response, current_app, request
from flask.cli import with_appcontext
from globus_action_provider_tools import AuthState
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from app import docs, monitoring, settings, whattime
from app.action import Action, check_deadline, start
from app.auth import authenticate, may, principals
from app.error import (
    ApiError,
    DeveloperError,
    InvalidRequest,
    InvalidState,
    NotAuthorized,
    NotFound,
    from_http_exception,
    shorten,
)
from app.page import list_query, log_page, next_page
from app.provider import PURGE_BATCH, ActionProvider, Answer, Call, this_call

Document = dict[str, Any]

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
"""The methods that are logged by their name: a caller can make up others, of any length."""


def utc_now() -> datetime:
    return datetime.now(UTC)


def create_app(overrides: Mapping[str, Any] | None = None, *, clock: Callable[[], datetime] = utc_now) -> Flask:
    """The WSGI application.

    :param overrides: settings that come before the environment and config.py.
    :raises SettingsError: one is wrong, or the credentials are missing.
    """
    config = settings.load(overrides)
    settings.require_credentials(config)
    app = ActionProvider(config, clock)
    app.before_request(before_request)
    app.after_request(after_request)
    for method, path, handler in OPERATIONS:
        app.add_url_rule(path, view_func=handler, methods=[method], provide_automatic_options=False)
    for path, page in PAGES:
        app.add_url_rule(path, view_func=page, methods=["GET"], provide_automatic_options=False)
    app.register_error_handler(Exception, on_error)
    app.cli.add_command(purge)
    return app


def before_request() -> None:
    """Who is asking, and is what they ask valid?"""
    asked: Request = request._get_current_object()  # type: ignore[attr-defined]  # behind the proxy
    call = this_call()
    call.request, call.begin = asked, time.perf_counter()
    provider = call.provider = cast(ActionProvider, current_app._get_current_object())  # type: ignore[attr-defined]
    call.x_request_id = provider.name_request(asked.environ.get("HTTP_X_REQUEST_ID"))
    if asked.routing_exception is not None or asked.endpoint in WITHOUT_TOKEN:
        return
    call.now = provider.now()
    if asked.endpoint == "introspect" and "public" in provider.config["VISIBLE_TO"]:
        return
    call.auth_state = authenticate(provider.auth)
    if call.now >= provider.next_purge:
        provider.tidy(call.now)
    if (asked.content_length or 0) > provider.config["MAX_CONTENT_LENGTH"]:
        raise RequestEntityTooLarge
    if asked.endpoint == "run":
        require(call, provider.config["RUNNABLE_BY"], "run actions of this provider")
        with provider.one_upload():
            body = whole_body(asked)
        call.action_request = provider.requests.parse(body, call.now)


def after_request(response: Answer) -> Answer:
    """Say which request this answers; count it, and write its line into the log."""
    call = this_call()
    asked, seconds = call.request, time.perf_counter() - call.begin
    response.x_request_id = call.x_request_id
    call.provider.metrics.request(asked.endpoint or "none", response.status_code, seconds)
    caller: AuthState | None = call.get("auth_state")
    call.provider.request_log.write(
        method=asked.method if asked.method in METHODS else "other",
        route=None if asked.url_rule is None else asked.url_rule.rule,
        status=response.status_code,
        ms=round(seconds * 1000, 2),
        caller=None if caller is None else caller.effective_identity,
        action_id=call.get("action_id"),
        x_request_id=call.x_request_id,
    )
    return response


def introspect() -> Response:
    call = this_call()
    if "public" not in call.provider.config["VISIBLE_TO"]:
        require(call, call.provider.config["VISIBLE_TO"], "see this provider")
    return Answer(
        call.provider.introspection, content_type="application/json", headers={"Access-Control-Allow-Origin": "*"}
    )


def preflight() -> Response:
    headers = {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": "GET, OPTIONS",
        "Access-Control-Allow-Headers": "Authorization",
        "Access-Control-Max-Age": "86400",
    }
    return Answer(status=204, headers=headers)


def run() -> tuple[Document, int]:
    call = this_call()
    database, asked = call.provider.database, call.action_request
    action = database.find(call.auth_state.effective_identity, asked.request_id, call.now)
    if action is None:
        new = begin(call)
        action = database.create(new)
        if action is new:
            call.action_id = action.action_id
            call.provider.metrics.action("started")
            return action.view(call.now), 202
    call.action_id = action.action_id
    if action.content != asked.content:
        raise InvalidState("This request_id has been used for another request: choose a new one.")
    return action.view(call.now), 200


def status(action_id: str) -> Document:
    call = this_call()
    return readable(call, action_id).view(call.now)


def enumerate_actions() -> Response:
    call = this_call()
    asked = request.args.to_dict()
    with_groups = asked.get("roles", "").casefold() not in ("", "creator_id")
    query = list_query(asked, principals(call.auth_state, with_groups=with_groups))
    found = call.provider.database.list(query, call.now)
    page = found[: query.limit - 1]
    response = call.provider.json.response([action.view(call.now) for action in page])
    if len(found) == query.limit:
        response.headers["Link"] = next_page(request.script_root + request.path, asked, page[-1])
    return response


def cancel(action_id: str) -> Document:
    call = this_call()
    action = manageable(call, action_id)
    cancelled = action.cancel(call.now)
    if not call.provider.database.replace(action, cancelled):
        raise InvalidState("The action came to its end just now: there is nothing left to cancel.")
    call.provider.metrics.action("cancelled")
    return cancelled.view(call.now)


def release(action_id: str) -> Document:
    call = this_call()
    action = manageable(call, action_id)
    action.check_releasable(call.now)
    if not call.provider.database.delete(action_id):
        raise unknown(action_id)
    call.provider.metrics.action("released")
    return action.view(call.now)


def log(action_id: str) -> Document:
    call = this_call()
    return log_page(readable(call, action_id).log(call.now), request.args)


def resume(action_id: str) -> Document:
    call = this_call()
    action = manageable(call, action_id)
    raise InvalidState(f"The action is {action.status(call.now)}: only an INACTIVE one can be resumed.")


OPERATIONS: tuple[tuple[str, str, Callable[..., Any]], ...] = (
    ("GET", "/", introspect),
    ("OPTIONS", "/", preflight),
    ("POST", "/run", run),
    ("POST", "/actions", run),
    ("GET", "/actions", enumerate_actions),
    ("GET", "/<action_id>/status", status),
    ("GET", "/actions/<action_id>", status),
    ("POST", "/<action_id>/cancel", cancel),
    ("POST", "/actions/<action_id>/cancel", cancel),
    ("POST", "/<action_id>/release", release),
    ("DELETE", "/actions/<action_id>", release),
    ("GET", "/<action_id>/log", log),
    ("GET", "/actions/<action_id>/log", log),
    ("POST", "/<action_id>/resume", resume),
    ("POST", "/actions/<action_id>/resume", resume),
)
"""The interface: each operation on its 1.0 path, and on the one of 1.1."""

PAGES = (*docs.PAGES, *monitoring.PAGES)
"""What is not about actions, for people and for the operator's tools."""

WITHOUT_TOKEN = frozenset({"preflight", *(page.__name__ for _, page in PAGES)})
"""What is answered without a look at who is asking."""


def begin(call: Call) -> Action:
    """The record of the action that is asked for, begun now and not stored yet.

    :raises InvalidRequest: its deadline has passed, or is too far off.
    """
    provider, caller = call.provider, call.auth_state
    check_deadline(call.action_request.deadline, call.now, provider.limits.maximum_deadline)
    duration, outcome = whattime.begin(call.action_request.body, call.now, provider.config, provider.random)
    return start(
        call.action_request,
        action_id=str(uuid.uuid4()),
        creator_id=caller.effective_identity,
        identities=in_order(caller.identities),
        now=call.now,
        duration=duration,
        outcome=outcome,
        limits=provider.limits,
    )


@functools.lru_cache(maxsize=10_000)
def in_order(identities: frozenset[str]) -> tuple[str, ...]:
    """The identities, sorted; the same tuple each time, so that all actions of a caller share it."""
    return tuple(sorted(identities))


def readable(call: Call, action_id: str) -> Action:
    """The action, as the caller may read it.

    :raises NotFound: there is none, or none for this caller: nobody can tell the two apart.
    """
    action = call.provider.database.get(action_id, call.now)
    if action is None or not may(call.auth_state, action.readers):
        raise unknown(action_id)
    call.action_id = action_id
    return action


def manageable(call: Call, action_id: str) -> Action:
    """The action, as the caller may cancel and release it.

    :raises NotFound: there is none for this caller.
    :raises NotAuthorized: the caller may only read it.
    """
    action = readable(call, action_id)
    require(call, action.managers, "manage this action")
    return action


def require(call: Call, principals: tuple[str, ...], what: str) -> None:
    """Nothing, where the caller is one of the principals.

    :raises NotAuthorized: the caller is not.
    """
    if not may(call.auth_state, principals):
        raise NotAuthorized(f"You may not {what}.")


def unknown(action_id: str) -> NotFound:
    return NotFound(f"There is no action {shorten(action_id)}.")


def whole_body(asked: Request) -> bytes:
    """The request's body, all of it.

    :raises InvalidRequest: the connection ended before the body did.
    :raises RequestEntityTooLarge: it goes on beyond MAX_CONTENT_LENGTH, which is known only now where it has no length.
    """
    body = asked.get_data(cache=False)
    length = asked.content_length
    if length is None and len(body) == asked.max_content_length and asked.environ["wsgi.input"].read(1):
        raise RequestEntityTooLarge
    if length is not None and len(body) != length:
        raise InvalidRequest(f"The request's body ended after {len(body)} of {length} bytes.")
    return body


@click.command()
@with_appcontext  # type: ignore[untyped-decorator]  # Flask 2.3 does not say
def purge() -> None:
    """Drop all actions that have expired."""
    provider = cast(ActionProvider, current_app)
    now, dropped = provider.now(), 0
    while batch := provider.database.purge(now, PURGE_BATCH):
        dropped += batch
        click.echo(f"{dropped} dropped …", err=True)
    click.echo(dropped)


def on_error(error: Exception) -> tuple[Document, int, dict[str, str]]:
    """Every error's way to the caller: as an ApiError. What nobody has foreseen is logged, and told as our mistake."""
    if isinstance(error, HTTPException):
        error = from_http_exception(error)
    elif not isinstance(error, ApiError):
        known = {"x_request_id": this_call().get("x_request_id")}
        current_app.logger.exception("Unexpected error in %s %s", request.method, request.endpoint, extra=known)
        error = DeveloperError("Something went wrong here, and has been logged. It is not your request's fault.")
    return error.document, error.status, error.headers
