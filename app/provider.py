"""The Flask application of this provider, with what its handlers work with; and what they know of a request."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from random import Random, SystemRandom
from typing import TYPE_CHECKING, Any, ClassVar, cast

import orjson
from flask import Flask, Request, Response, g
from flask.ctx import _AppCtxGlobals
from flask.json.provider import JSONProvider
from flask.sessions import NullSession, SessionInterface
from globus_action_provider_tools import AuthState
from werkzeug.routing import MapAdapter

from app import settings, whattime
from app.action import ActionRequest, Limits
from app.action_request import RequestParser
from app.auth import open_auth
from app.database import DatabaseError, open_database
from app.error import ServiceUnavailable
from app.health import Health
from app.introspection import describe
from app.metrics import Metrics
from app.openapi import openapi_document
from app.request_log import open_log, request_ids

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

PURGE_INTERVAL = timedelta(seconds=10)
PURGE_BATCH = 500
"""How many expired actions are dropped at once: a few milliseconds of one request in PURGE_INTERVAL."""

UPLOADS_AT_ONCE = 8
"""How many bodies are read at once: fewer than a worker has threads."""

UPLOAD_WAIT_SECONDS = 0.5


def to_json(document: Any) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE)


class OrjsonProvider(JSONProvider):
    """JSON by orjson: several times as fast as Flask's own, and times as ISO 8601 without further ado."""

    def dumps(self, obj: Any, **_options: Any) -> str:
        return orjson.dumps(obj).decode()

    def loads(self, s: str | bytes, **_options: Any) -> Any:
        return orjson.loads(s)

    def response(self, *args: Any, **kwargs: Any) -> Response:
        return Answer(to_json(self._prepare_response_obj(args, kwargs)), content_type="application/json")


class Answer(Response):
    """A response that is sent as it stands. Werkzeug would go through the headers again, for what none of ours needs:
    a tenth of the time of a request."""

    safety: ClassVar[tuple[tuple[str, str], ...]] = (
        ("X-Content-Type-Options", "nosniff"),
        ("Cache-Control", "no-store"),
        ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    )
    """So that no browser takes data for a page, keeps it, or shows it within another page."""

    x_request_id = ""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response(self.status, [*self.headers.to_wsgi_list(), ("X-Request-ID", self.x_request_id), *self.safety])
        return () if environ["REQUEST_METHOD"] == "HEAD" else self.iter_encoded()


class NoSessions(SessionInterface):
    """No cookies, and no looking for them."""

    _NONE = NullSession()

    def open_session(self, app: Flask, request: Request) -> NullSession:  # noqa: ARG002
        return self._NONE


class Call(_AppCtxGlobals):
    """Flask's `g`: what is known of the request that is being served."""

    request: Request
    begin: float
    x_request_id: str
    provider: ActionProvider
    now: datetime
    auth_state: AuthState
    action_request: ActionRequest
    action_id: str


def this_call() -> Call:
    """The Call that is being served. Ask once and hand it on: each look through Flask's proxy takes a microsecond."""
    return cast(Call, g._get_current_object())


def read_input_schema() -> tuple[Mapping[str, Any], RequestParser]:
    """What schema.json says, and what reads requests by it.

    :raises SettingsError: it is no JSON Schema.
    """
    try:
        input_schema = json.loads((settings.ROOT / "schema.json").read_text("utf-8"))
        return input_schema, RequestParser(input_schema)
    except (OSError, ValueError) as error:
        raise settings.SettingsError(f"schema.json cannot be used: {' '.join(str(error).split())}") from error


class ActionProvider(Flask):
    """The application.

    :param config: checked settings, credentials among them.
    :param clock: tells the time, in UTC.
    """

    json_provider_class = OrjsonProvider
    app_ctx_globals_class = Call
    response_class = Answer
    session_interface = NoSessions()

    def __init__(self, config: Mapping[str, Any], clock: Callable[[], datetime]) -> None:
        super().__init__("app", static_folder=None, root_path=str(settings.ROOT))
        self.config.update(config)
        self.url_map.merge_slashes = False
        self.now = clock
        # Without a seed, nobody can tell from the actions that they have seen how the next one will end.
        seed = config["RANDOM_SEED"]
        self.random = SystemRandom() if seed is None else Random(seed)  # noqa: S311
        self.request_log = open_log(config["LOG_FORMAT"])
        self.name_request = request_ids()
        try:
            self.metrics = Metrics()
        except OSError as error:
            raise settings.SettingsError(f"PROMETHEUS_MULTIPROC_DIR must name a folder: {error}") from error
        try:
            self.database = open_database(config["DATABASE_URL"], self.metrics)
        except DatabaseError as error:
            raise settings.SettingsError(str(error)) from error
        self.next_purge = clock()
        self._uploads = threading.BoundedSemaphore(UPLOADS_AT_ONCE)
        self.auth = open_auth(
            config["CLIENT_ID"],
            config["CLIENT_SECRET"],
            config["SCOPE"],
            ttl_seconds=config["TOKEN_CACHE_SECONDS"],
            size=config["TOKEN_CACHE_SIZE"],
            metrics=self.metrics,
        )
        self.health = Health(clock, {"database": self.database.check, "globus_auth": self.auth.check})
        self.limits = Limits(config["RELEASE_AFTER"], config["MAX_RELEASE_AFTER"], config["MAXIMUM_DEADLINE"])
        input_schema, self.requests = read_input_schema()
        # They do not change: they are written once.
        self.introspection = to_json(describe(whattime.DESCRIPTION, input_schema, config))
        self.openapi = to_json(openapi_document(input_schema, config))

    @contextmanager
    def one_upload(self) -> Iterator[None]:
        """Read a body within: a few at once, so that clients who send slowly leave threads to the others.

        :raises ServiceUnavailable: too many are sending slowly.
        """
        if not self._uploads.acquire(timeout=UPLOAD_WAIT_SECONDS):
            raise ServiceUnavailable("Too many requests are being sent slowly. Please try again.")
        try:
            yield
        finally:
            self._uploads.release()

    def tidy(self, now: datetime) -> None:
        """Drop a batch of expired actions, for whoever happens to ask when it is time again."""
        self.next_purge = now + PURGE_INTERVAL
        with suppress(ServiceUnavailable):
            dropped = self.database.purge(now, PURGE_BATCH)
            self.metrics.action("expired", dropped)
            if dropped == PURGE_BATCH:
                self.next_purge = now

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """`func` itself: every handler here is synchronous, and Flask's look at each takes 2 µs a call."""
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """The routes, bound to the path alone: none depends on the host's name, whose reading is a twelfth of the time
        of a request."""
        if request is None:
            return super().create_url_adapter(None)
        path = request.environ["PATH_INFO"].encode("latin1").decode(errors="replace")
        return MapAdapter(self.url_map, "", "/", "", "http", path, request.method)
