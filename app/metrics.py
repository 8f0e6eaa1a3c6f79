"""What the operator can count and time, for Prometheus: requests, actions, tokens, and the calls to what we depend on.

Every label has a few values that are known beforehand. Where PROMETHEUS_MULTIPROC_DIR names a folder, all processes
that share it are counted together; the server sets it for its workers.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable

from globus_action_provider_tools import ActionStatusValue
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

CONTENT_TYPE = CONTENT_TYPE_LATEST
SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
EVENTS = ("started", "succeeded", "failed", "cancelled", "released", "expired")
LOOKUPS = ("remembered", "asked")


class Metrics:
    """The figures of one application."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = self._histogram("request", "How long requests took", "operation", "status")
        self._globus = self._histogram("globus", "How long calls to Globus Auth and Groups took", "service", "result")
        self._database = self._histogram("database", "How long calls to the SQL database took", "call")
        self._actions = self._counter("actions", "What has happened to actions", "event")
        self._tokens = self._counter("tokens", "Tokens that came with requests, by how they were looked up", "lookup")
        for event in EVENTS:
            self._actions(event)
        for lookup in LOOKUPS:
            self._tokens(lookup)

    def request(self, operation: str, status: int, seconds: float) -> None:
        """A request was answered. An operation has the name of its handler; `none`, where there is none."""
        self._requests(operation, status).observe(seconds)

    def action(self, event: str, times: int = 1) -> None:
        """One of the EVENTS."""
        self._actions(event).inc(times)

    def ended(self, status: ActionStatusValue) -> None:
        """An action was seen complete for the first time. Not before: whoever reads this must not foretell its end."""
        self.action(status.lower())

    def token(self, lookup: str) -> None:
        """One of the LOOKUPS: the token was remembered, or Globus Auth was asked."""
        self._tokens(lookup).inc()

    def globus(self, service: str, result: str, seconds: float) -> None:
        """Globus `auth` or `groups` has `answered` a call, or it `failed`."""
        self._globus(service, result).observe(seconds)

    def database(self, call: str, seconds: float) -> None:
        self._database(call).observe(seconds)

    def render(self) -> bytes:
        """All figures, in the text form that Prometheus reads."""
        registry = self._registry
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)

    def _histogram(self, name: str, help_: str, *labels: str) -> Callable[..., Histogram]:
        metric = Histogram(f"action_provider_{name}_seconds", help_, labels, buckets=SECONDS, registry=self._registry)
        return functools.cache(metric.labels)  # its own lookup takes a lock and a microsecond

    def _counter(self, name: str, help_: str, *labels: str) -> Callable[..., Counter]:
        return functools.cache(Counter(f"action_provider_{name}", help_, labels, registry=self._registry).labels)
