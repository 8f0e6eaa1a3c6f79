"""Send requests with limits on the time that a whole response may take and on its size."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from globus_sdk import BaseClient
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter

from .polling import BadResponse

CONNECT_SECONDS = 10.0
LARGEST_RESPONSE_BYTES = 16_000_000
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def mount(client: BaseClient, adapter: HTTPAdapter) -> None:
    """Have the client send all of its requests through `adapter`."""
    client.transport.session.mount("http://", adapter)
    client.transport.session.mount("https://", adapter)


class LimitedAdapter(HTTPAdapter):
    """An HTTP adapter that reads the whole response within a total time and up to a largest size."""

    def send(  # type: ignore[override]  # the other arguments are passed on unchanged
        self, request: PreparedRequest, *, timeout: Any = None, proxies: Any = None, **options: Any
    ) -> Response:
        """Send a request and read the response to its end.

        :param timeout: how many seconds the server may be silent. Connecting takes 10 seconds of this at most, and the
            whole response no more than both together, even if each byte arrives in time.
        :raises BadResponse: the response takes longer, or is too large.
        """
        if isinstance(timeout, (int, float)):
            timeout = (min(timeout, CONNECT_SECONDS), timeout)
        if urlsplit(request.url or "").hostname in LOOPBACK:
            proxies = {}  # a proxy's loopback interface is not ours

        def exchange() -> Response:
            response = HTTPAdapter.send(self, request, timeout=timeout, proxies=proxies, **options)
            response.raw.stream = _limited(response.raw)
            response.content  # noqa: B018 # reads it
            return response

        return within(sum(timeout) if timeout else None, exchange)


def within(seconds: float | None, work: Callable[[], Response]) -> Response:
    """Return what `work` returns, or raise what it raises.

    A thread does the work, because a socket's timeout starts over with each byte.

    :raises BadResponse: it takes too long. The thread is left running, and ends with the program.
    """
    outcome: list[Response | BaseException] = []

    def run() -> None:
        try:
            outcome.append(work())
        except BaseException as error:  # raised again by the caller's thread
            outcome.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if not outcome:
        raise BadResponse(f"The response did not end within {seconds:g} seconds.")
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]


def _limited(raw: Any) -> Callable[..., Iterator[bytes]]:
    """Return the `stream` method of urllib3's response, limited in how much it yields after decompression."""
    stream = raw.stream

    def read(*arguments: Any, **options: Any) -> Iterator[bytes]:
        length = 0
        for part in stream(*arguments, **options):
            length += len(part)
            if length > LARGEST_RESPONSE_BYTES:
                raw.close()
                raise BadResponse(f"The provider's response is larger than {LARGEST_RESPONSE_BYTES:,} bytes.")
            yield part

    return read
