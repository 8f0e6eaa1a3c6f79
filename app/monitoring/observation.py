"""Observes each request: gives it an ID, times it, counts it, and logs it."""

from __future__ import annotations

import itertools
import re
import time
import uuid
from collections.abc import Callable

from flask import Response, g, request

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
    """Observes each request of an application. Handlers may set `g.action_id` to have it logged.

    Flask's proxies are looked through once per hook: each look takes a microsecond, and there were thirty per request.
    """

    def __init__(self, metrics: Metrics, log: RequestLog) -> None:
        self._metrics = metrics
        self._log = log
        self._name_request = request_ids()

    def begin(self) -> None:
        """Start the clock, and name the request (for `before_request`)."""
        known = g._get_current_object()  # the object behind the proxy
        known.begin = time.perf_counter()
        known.x_request_id = self._name_request(request.environ.get("HTTP_X_REQUEST_ID"))
        current_request_id.set(known.x_request_id)

    def end(self, response: Response) -> Response:
        """Count and log the request (for `after_request`)."""
        known = g._get_current_object()
        asked = request._get_current_object()  # type: ignore[attr-defined]
        seconds = time.perf_counter() - known.begin
        response.headers.add("X-Request-ID", known.x_request_id)
        rule, status = asked.url_rule, response.status_code
        operation = "none" if rule is None else rule.endpoint.rpartition(".")[2]
        self._metrics.request(operation, status, seconds)
        caller = known.get("caller")
        self._log.write(
            method=asked.method if asked.method in METHODS else "other",
            route=None if rule is None else rule.rule,
            status=status,
            ms=round(seconds * 1000, 2),
            caller=None if caller is None else caller.effective_identity,
            action_id=known.get("action_id"),
            x_request_id=known.x_request_id,
        )
        return response
