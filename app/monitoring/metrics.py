"""The metrics for Prometheus: requests, actions, tokens, hooks, and calls to the services this provider depends on.

Every label has a few values, all known in advance. Processes that share the folder PROMETHEUS_MULTIPROC_DIR are counted
together; the server sets it for its workers.
"""

from __future__ import annotations

import functools
import logging
import os
import struct
from collections.abc import Callable

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from app.monitoring.shared_counts import reserve_space

log = logging.getLogger(__name__)

CONTENT_TYPE = CONTENT_TYPE_LATEST
SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
EVENTS = ("started", "succeeded", "failed", "cancelled", "released", "expired")
LOOKUPS = ("remembered", "asked")


class Metrics:
    """The metrics of one application."""

    def __init__(self) -> None:
        self._is_shared = reserve_space(os.getpid())
        self._registry = CollectorRegistry()
        self._requests = self._histogram("request", "How long requests took", "operation", "status")
        self._globus = self._histogram("globus", "How long calls to Globus Auth and Groups took", "service", "result")
        self._database = self._histogram("database", "How long calls to the SQL database took", "call")
        self._hooks = self._histogram("hook", "How long calls of the work module's hooks took", "hook", "result")
        self._actions = self._counter("actions", "Events in the life of actions", "event")
        self._tokens = self._counter("tokens", "Tokens of requests, by how they were looked up", "lookup")
        for event in EVENTS:
            self._actions(event)
        for lookup in LOOKUPS:
            self._tokens(lookup)

    def request(self, operation: str, status: int, seconds: float) -> None:
        """Record a request. An operation is named after its handler; `none` if no route matched."""
        self._requests(operation, status).observe(seconds)

    def action(self, event: str, times: int = 1) -> None:
        """Count one of the EVENTS. An end is counted when it is first seen, so that no metric reveals it early."""
        self._actions(event).inc(times)

    def hook(self, name: str, result: str, seconds: float) -> None:
        """Record a call of a hook (advance, cancel, or release) that `returned` or `raised`."""
        self._hooks(name, result).observe(seconds)

    def token_counter(self, lookup: str) -> Counter:
        """Return the counter of one of the LOOKUPS: the token was remembered, or Globus Auth was asked."""
        return self._tokens(lookup)

    def globus(self, service: str, result: str, seconds: float) -> None:
        """Record a call to Globus `auth` or `groups` that `answered` or `failed`."""
        self._globus(service, result).observe(seconds)

    def database(self, call: str, seconds: float) -> None:
        """Record a call to the SQL database, named after the method of the store."""
        self._database(call).observe(seconds)

    def render(self) -> bytes:
        """Return all metrics in the text format of Prometheus: of all processes, or of this one if that fails."""
        if self._is_shared:
            try:
                together = CollectorRegistry()
                MultiProcessCollector(together)  # type: ignore[no-untyped-call]
                return generate_latest(together)
            except (OSError, ValueError, RuntimeError, struct.error) as error:
                log.warning("The shared metrics cannot be read, so /metrics shows one process: %s", error)
        return generate_latest(self._registry)

    def _histogram(self, name: str, help_: str, *labels: str) -> Callable[..., Histogram]:
        metric = Histogram(f"action_provider_{name}_seconds", help_, labels, buckets=SECONDS, registry=self._registry)
        return functools.cache(metric.labels)  # `labels` takes a lock and a microsecond

    def _counter(self, name: str, help_: str, *labels: str) -> Callable[..., Counter]:
        return functools.cache(Counter(f"action_provider_{name}", help_, labels, registry=self._registry).labels)
