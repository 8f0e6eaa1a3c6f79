"""Observes each request: gives it an ID, times it, counts it, and logs it."""

from __future__ import annotations

import functools
import itertools
import re
import time
import uuid
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import g, request

from app.monitoring.metrics import Metrics
from app.monitoring.request_log import RequestLog, current_request_id

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
"""The methods that are logged by name: a caller can make up others, of any length."""

_GIVEN_ID = re.compile(r"[\w.:@/+=-]{1,128}", re.ASCII)


def request_ids() -> Callable[[str | None], str]:
    """Return a function that names requests: by their own X-Request-ID if it is a plain word, else by a new ID."""
    prefix, numbers = uuid.uuid4().hex[:16], itertools.count(1)
    return lambda given: given if given and _GIVEN_ID.fullmatch(given) else f"{prefix}-{next(numbers)}"


class Observer:
    """WSGI middleware that observes each request of a Flask application.

    Handlers may set `g.caller` and `g.action_id` to have them logged. Hooks of Flask would take twice as long.
    """

    def __init__(self, app: WSGIApplication, metrics: Metrics, log: RequestLog) -> None:
        self._app = app
        self._metrics = metrics
        self._log = log
        self._name_request = request_ids()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        begin = time.perf_counter()
        request_id = self._name_request(environ.get("HTTP_X_REQUEST_ID"))
        current_request_id.set(request_id)

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Callable[[bytes], object]:
            headers.append(("X-Request-ID", request_id))
            self._record(environ, int(status[:3]), time.perf_counter() - begin, request_id)
            return start_response(status, headers, *more)

        return self._app(environ, start)

    def _record(self, environ: WSGIEnvironment, status: int, seconds: float, request_id: str) -> None:
        """Count and log the request, while Flask still knows it."""
        known, asked = g._get_current_object(), request._get_current_object()  # type: ignore[attr-defined]
        rule, method, caller = asked.url_rule, environ["REQUEST_METHOD"], known.get("caller")
        self._metrics.request("none" if rule is None else _operation(rule.endpoint), status, seconds)
        self._log.write(
            method=method if method in METHODS else "other",
            route=None if rule is None else rule.rule,
            status=status,
            ms=round(seconds * 1000, 2),
            caller=None if caller is None else caller.effective_identity,
            action_id=known.get("action_id"),
            x_request_id=request_id,
        )


@functools.cache
def _operation(endpoint: str) -> str:
    """Return the name of the handler, without that of its blueprint."""
    return endpoint.rpartition(".")[2]
