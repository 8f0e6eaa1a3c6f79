"""Calls to Globus Auth and Groups: simultaneous requests share a call, and none waits longer than a limit."""

from __future__ import annotations

import contextvars
import logging
import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from typing import TypeVar

import globus_sdk
from globus_action_provider_tools.client_factory import ClientFactory
from requests.adapters import HTTPAdapter

from app.action.error import Unavailable
from app.limiter import Limiter
from app.monitoring.metrics import Metrics

T = TypeVar("T")
log = logging.getLogger(__name__)

ANSWER_SECONDS = 4.5
"""How long a request waits for Globus Auth, and then, if a group may decide, for Globus Groups."""

HEALTHY_SECONDS = 0.25
"""Globus is healthy while its last answer took no longer than this, and no call has been under way for longer."""

CALLS_AT_ONCE = 40
"""The largest number of simultaneous calls to Globus."""

BUSY = "Globus is slow, and too many requests are waiting for it. Please try again."

REJECTED = "Globus Auth rejects this provider's own credentials. Its operator must correct them."


class UpstreamClients(ClientFactory):
    """Makes the clients for Globus Auth and Groups, with shorter timeouts than the toolkit's (30 s per try)."""

    DEFAULT_AUTH_TRANSPORT_PARAMS = (("http_timeout", 4.0), ("max_retries", 1), ("max_sleep", 0.5))
    DEFAULT_GROUPS_TRANSPORT_PARAMS = DEFAULT_AUTH_TRANSPORT_PARAMS

    def make_confidential_app_auth_client(
        self, client_id: object, client_secret: str
    ) -> globus_sdk.ConfidentialAppAuthClient:
        client = super().make_confidential_app_auth_client(str(client_id), client_secret)
        for scheme in ("https://", "http://"):  # so that calls need not open new connections
            client.transport.session.mount(scheme, HTTPAdapter(pool_maxsize=CALLS_AT_ONCE))
        return client


class Upstream:
    """Makes calls to Globus.

    A call that takes longer than its callers wait continues in the background, for those who ask again.
    """

    def __init__(self, metrics: Metrics, limiter: Limiter, patience_seconds: float = ANSWER_SECONDS) -> None:
        self._metrics = metrics
        self._limiter = limiter
        self._patience_seconds = patience_seconds
        self._pool = ThreadPoolExecutor(CALLS_AT_ONCE, thread_name_prefix="globus")
        self._lock = threading.Lock()
        self._under_way: dict[Hashable, tuple[float, Future[object]]] = {}
        self._last_was_quick = True

    def call(self, service: str, key: Hashable, function: Callable[[], T], *, known: bool = False) -> T:
        """Return what `function` returns. Simultaneous calls with the same `key` share one run.

        :param service: `auth` or `groups`: which of Globus' services it asks.
        :param known: whether it is for a caller whose token was valid before. Such calls have their own places,
            which a burst of other tokens cannot take.
        :raises Unavailable: it takes too long or fails, or too many requests are waiting already.
        """
        kind = f"{service} for known callers" if known else service
        with self._limiter.waiting(kind, BUSY, seconds=self._patience_seconds, brief=self._is_healthy()) as seconds:
            try:
                return self._future(service, key, function).result(seconds)
            except FutureTimeout as error:
                raise Unavailable("Globus did not answer in time. Please try again.") from error

    def _future(self, service: str, key: Hashable, function: Callable[[], T]) -> Future[T]:
        with self._lock:
            if key not in self._under_way:
                context = contextvars.copy_context()  # so that warnings carry the X-Request-ID
                future = self._pool.submit(context.run, self._run, service, key, function)
                self._under_way[key] = (time.monotonic(), future)  # type: ignore[assignment]  # one dict for all kinds
            return self._under_way[key][1]  # type: ignore[return-value]

    def _is_healthy(self) -> bool:
        with self._lock:
            oldest = min((begin for begin, _ in self._under_way.values()), default=None)
        return self._last_was_quick and (oldest is None or time.monotonic() - oldest < HEALTHY_SECONDS)

    def _run(self, service: str, key: Hashable, function: Callable[[], T]) -> T:
        begin, result = time.monotonic(), "failed"
        try:
            answer = function()
            result = "answered"
        except Unavailable:
            raise
        except Exception as error:
            raise _failure(error) from None  # its traceback would keep the request's objects alive
        else:
            return answer
        finally:
            seconds = time.monotonic() - begin
            self._metrics.globus(service, result, seconds)
            with self._lock:
                del self._under_way[key]
                self._last_was_quick = result == "answered" and seconds < HEALTHY_SECONDS


def _failure(error: Exception) -> Unavailable:
    """Log why a call to Globus failed, and return what callers are told."""
    if isinstance(error, globus_sdk.AuthAPIError) and error.http_status in (401, 403):
        log.error("Globus Auth rejects this provider's own CLIENT_ID and CLIENT_SECRET: %s", error.http_status)
        return Unavailable(REJECTED)
    log.warning("No usable answer from Globus: %s: %s", type(error).__name__, " ".join(str(error).split()))
    return Unavailable("Globus gave no usable answer. Please try again.")
