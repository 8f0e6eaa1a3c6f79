"""Observes each request: gives it an ID, times it, counts it, and logs it."""

from __future__ import annotations

import itertools
import re
import time
import uuid
from collections.abc import Callable

from flask import Flask, Response, g, request

from app.monitoring.metrics import Metrics
from app.monitoring.request_log import RequestLog, current_request_id

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
"""The methods that are logged by name: a caller can make up others, of any length."""

_GIVEN_ID = re.compile(r"[\w.:@/+=-]{1,128}", re.ASCII)


def request_ids() -> Callable[[str | None], str]:
    """Return a function that names requests: by their own X-Request-ID if it is a plain word, else by a new ID."""
    prefix, numbers = uuid.uuid4().hex[:16], itertools.count(1)
    return lambda given: given if given and _GIVEN_ID.fullmatch(given) else f"{prefix}-{next(numbers)}"


def observe(app: Flask, metrics: Metrics, log: RequestLog) -> None:
    """Observe each request of the application. Handlers may set `g.action_id` to have it logged."""
    name_request = request_ids()

    @app.before_request
    def begin() -> None:
        g.begin = time.perf_counter()
        g.x_request_id = name_request(request.environ.get("HTTP_X_REQUEST_ID"))
        current_request_id.set(g.x_request_id)

    @app.after_request
    def end(response: Response) -> Response:
        seconds = time.perf_counter() - g.begin
        response.headers["X-Request-ID"] = g.x_request_id
        operation = (request.endpoint or "none").rpartition(".")[2]
        metrics.request(operation, response.status_code, seconds)
        caller = g.get("caller")
        log.write(
            method=request.method if request.method in METHODS else "other",
            route=None if request.url_rule is None else request.url_rule.rule,
            status=response.status_code,
            ms=round(seconds * 1000, 2),
            caller=None if caller is None else caller.effective_identity,
            action_id=g.get("action_id"),
            x_request_id=g.x_request_id,
        )
        return response
