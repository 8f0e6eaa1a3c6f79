"""Report requests on stderr: each one with --verbose, and long waits always."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from globus_sdk import BaseClient
from requests import PreparedRequest, RequestException, Response

from .console import Console
from .polling import BadResponse
from .transport import LimitedAdapter, mount

SLOW_SECONDS = 5.0
RETRIES = 4
"""With the SDK's backoff, 4 to 11 seconds in total if connections are refused at once."""

_TRANSIENT = (429, 500, 502, 503, 504)


def report_requests(client: BaseClient, console: Console) -> None:
    """Report the client's requests, and limit its retries."""
    mount(client, ReportingAdapter(console))
    policy: Any = getattr(client, "retry_config", client.transport)  # the former since globus-sdk 4
    policy.max_retries = RETRIES


class ReportingAdapter(LimitedAdapter):
    """An HTTP adapter that reports each attempt, including the SDK's retries."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console
        self._failures = 0

    def send(  # type: ignore[override]  # the other arguments are passed on unchanged
        self, request: PreparedRequest, **options: Any
    ) -> Response:
        host = urlsplit(request.url or "")
        self._console.keep_secret(str(request.headers.get("Authorization", "")).partition(" ")[2])
        began = time.monotonic()
        try:
            with self._reporting_a_wait(host.netloc):
                response = super().send(request, **options)
        except (RequestException, BadResponse) as error:
            self._sent(request, str(error) if isinstance(error, BadResponse) else reason(error), began, failed=True)
            raise
        answer = f"{response.status_code} {response.reason or ''}".rstrip()
        self._sent(request, answer, began, failed=response.status_code in _TRANSIENT)
        return response

    def _sent(self, request: PreparedRequest, outcome: str, began: float, *, failed: bool) -> None:
        milliseconds = round((time.monotonic() - began) * 1000)
        self._console.details(f"{request.method} {request.url} → {outcome} in {milliseconds} ms")
        self._failures = self._failures + 1 if failed else 0
        if self._failures == 2 and not self._console.is_watching:
            self._console.say(f"{urlsplit(request.url or '').netloc}: {outcome}. Trying again for a while …")

    @contextlib.contextmanager
    def _reporting_a_wait(self, host: str) -> Iterator[None]:
        if self._console.is_watching:
            yield
            return
        timer = threading.Timer(SLOW_SECONDS, self._console.say, [f"Waiting for a response from {host} …"])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def reason(error: BaseException) -> str:
    """Return why there was no response, in a few words: the root cause of nested errors."""
    text = f"{error!r} {error}"
    words = {
        "Name or service not known": "there is no host with this name",
        "nodename nor servname": "there is no host with this name",
        "name resolution": "the host name cannot be looked up right now",
        "getaddrinfo failed": "there is no host with this name",
        "refused": "the connection was refused",
        "CERTIFICATE_VERIFY_FAILED": "its certificate cannot be verified",
        "WRONG_VERSION_NUMBER": "the server does not speak TLS: perhaps the URL should begin with http://",
        "unreachable": "the network does not reach the host",
        "ConnectTimeout": "the server does not accept the connection",
        "imed out": "no response in time",
        "Timeout": "no response in time",
        "reset": "the connection broke",
        "closed connection": "the connection broke",
        "aborted": "the connection broke",
        "IncompleteRead": "the connection broke",
        "prematurely": "the connection broke",
        "TooManyRedirects": "the server redirects endlessly",
        "SSL": "no secure connection could be made",
    }
    return next((said for word, said in words.items() if word in text), "there is no response")
