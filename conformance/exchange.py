"""One HTTP exchange with the provider under test, within limits of time and size."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import requests

from conformance.errors import NoResponse
from conformance.response import Response, shorten

MAX_BYTES = 1024 * 1024
"""How much of a response is read."""

HIDDEN = "<token>"
SHORTEST_TOKEN = 8
"""Shorter tokens are not hidden, because they may occur in ordinary words."""


@dataclass(frozen=True)
class Request:
    """`caller` says in words who sends it; `authorization` is the header's value, or None for no header."""

    operation: str
    method: str
    path: str
    caller: str
    authorization: str | None = field(default=None, repr=False)
    data: bytes | None = None

    def __str__(self) -> str:
        return f"{self.method} {shorten(self.path) or '(the URL itself)'} {self.caller}"


class Connection:
    """Sends single requests.

    :param base: the provider's URL without a final slash.
    :param limit_seconds: how long a whole response may take.
    """

    def __init__(self, base: str, *, limit_seconds: float) -> None:
        self.base = base
        self.limit_seconds = limit_seconds

    def send(self, request: Request, start: threading.Barrier | None = None) -> Response:
        """Send the request in a separate thread, because `requests` limits only the time of single reads.

        :param start: hold the last byte back until this opens.
        :raises NoResponse: there was no response in time, or the connection broke.
        """
        results: queue.SimpleQueue[Response | Exception] = queue.SimpleQueue()

        def work() -> None:
            try:
                results.put(self._exchange(request, start))
            except Exception as error:
                results.put(error)

        threading.Thread(target=work, daemon=True).start()
        try:
            result = results.get(timeout=self.limit_seconds)
        except queue.Empty as error:
            raise NoResponse(str(request), self._reason(error)) from error
        if isinstance(result, requests.RequestException | OSError | ValueError):
            raise NoResponse(str(request), self._reason(result)) from result
        if isinstance(result, Exception):
            raise result
        return result

    def _exchange(self, request: Request, start: threading.Barrier | None) -> Response:
        headers = {"Accept": "application/json"}
        if request.data is not None:
            headers["Content-Type"] = "application/json"
        body = None if request.data is None or start is None else _HeldBody(request.data, start)
        sent_at = time.monotonic()
        with requests.request(
            request.method,
            self.base + request.path,
            data=body or request.data,
            headers=headers,
            auth=_Authorization(request.authorization),
            timeout=self.limit_seconds,
            allow_redirects=False,
            stream=True,
        ) as response:
            content = _without_token(request.authorization, _first_bytes(response.iter_content(65536)))
            return Response(
                request.caller,
                request.method,
                request.path,
                response.status_code,
                response.headers,
                content,
                body.sent_at if body else sent_at,
                time.monotonic(),
            )

    def _reason(self, error: Exception) -> str:
        if isinstance(error, queue.Empty | requests.Timeout):
            return f"no response within {self.limit_seconds:g} s"
        if isinstance(error, requests.exceptions.SSLError):
            return f"TLS failed: {shorten(str(error), 120)}"
        if "refused" in str(error):
            return "the connection was refused"
        if "resolve" in str(error) or "Name or service" in str(error):
            return "the host name is unknown"
        return f"the connection broke ({shorten(str(error), 120)})"


class _HeldBody:
    """A request body whose last byte is sent when `start` opens, so that a server starts on all of them at once."""

    def __init__(self, data: bytes, start: threading.Barrier) -> None:
        self._data = data
        self._start = start
        self.sent_at = 0.0

    def __len__(self) -> int:
        return len(self._data)

    def __iter__(self) -> Iterator[bytes]:
        yield self._data[:-1]
        with contextlib.suppress(threading.BrokenBarrierError):  # another request failed: this one goes on alone
            self._start.wait(timeout=5)
        self.sent_at = time.monotonic()
        yield self._data[-1:]


class _Authorization(requests.auth.AuthBase):
    """Set exactly this header or none: without it, `requests` would take passwords from ~/.netrc."""

    def __init__(self, value: str | None) -> None:
        self._value = value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._value is not None:
            request.headers["Authorization"] = self._value
        return request


def _without_token(authorization: str | None, content: bytes) -> bytes:
    """Return the content with the request's token hidden now, because cutting the text later could leave part of it."""
    token = (authorization or "").removeprefix("Bearer ").encode()
    return content.replace(token, HIDDEN.encode()) if len(token) >= SHORTEST_TOKEN else content


def _first_bytes(chunks: Iterable[bytes]) -> bytes:
    content = bytearray()
    for chunk in chunks:
        content += chunk
        if len(content) > MAX_BYTES:
            break
    return bytes(content)
