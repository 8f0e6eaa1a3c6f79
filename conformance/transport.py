"""Sends requests to the provider under test, and records the responses."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from conformance.errors import NoResponse, OperationNotTried
from conformance.exchange import Connection, Request
from conformance.rate_limit import RateLimit, is_throttled
from conformance.response import Response

MAX_UNANSWERED = 2
"""After this many requests without a response, an operation is no longer tried."""


class Transport:
    """Sends requests, obeys rate limits, and gives up on operations that do not respond."""

    def __init__(self, connection: Connection, rate_limit: RateLimit) -> None:
        self._connection = connection
        self.rate_limit = rate_limit
        self.responses: list[Response] = []
        self.silence = 0
        """How many requests got no response, or only one from a gateway."""
        self.last_get: Request | None = None
        """The last GET that the provider itself answered: sent again to see whether it still does."""
        self._unanswered: Counter[str] = Counter()

    def send(self, request: Request) -> Response:
        """Send the request, and repeat it while a rate limit refuses it.

        :raises NoResponse: there was no response in time, or the connection broke.
        :raises OperationNotTried: this operation left too many requests without a response.
        :raises RateLimited: the provider keeps refusing.
        """
        self._require_responding(request)
        attempt = 1
        while is_throttled(response := self._send_counted(request)) and self.rate_limit.wait(response, attempt):
            attempt += 1
        self._record(request, response)
        return response

    def send_together(self, requests_: Sequence[Request]) -> list[Response | NoResponse]:
        """Send all requests at the same time: each holds its last byte back until the others are ready too.

        :raises OperationNotTried: see `send`.
        """
        for request in requests_:
            self._require_responding(request)
        start = threading.Barrier(len(requests_))
        with ThreadPoolExecutor(len(requests_)) as pool:
            return list(pool.map(partial(self._send_at, start), requests_))

    def responds(self, request: Request) -> bool:
        """Return whether the provider itself, not a gateway, answers this request."""
        try:
            return not self._connection.send(request).is_gateway_error
        except NoResponse:
            return False

    def _require_responding(self, request: Request) -> None:
        if self._unanswered[request.operation] >= MAX_UNANSWERED:
            raise OperationNotTried(
                f"{request} was not sent, because {MAX_UNANSWERED} requests to {request.operation} got no response"
            )

    def _record(self, request: Request, response: Response) -> None:
        self.responses.append(response)
        if response.is_gateway_error:
            self.silence += 1
        elif request.method == "GET":
            self.last_get = request

    def _send_counted(self, request: Request, start: threading.Barrier | None = None) -> Response:
        try:
            return self._connection.send(request, start)
        except NoResponse:
            self.silence += 1
            self._unanswered[request.operation] += 1
            raise

    def _send_at(self, start: threading.Barrier, request: Request) -> Response | NoResponse:
        try:
            response = self._send_counted(request, start)
        except NoResponse as error:
            start.abort()
            return error
        if not is_throttled(response):
            self._record(request, response)
        return response
