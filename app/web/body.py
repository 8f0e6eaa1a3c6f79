"""Reads the body of a request, which may arrive slowly or never end.

A WSGI server gives no time limit to a read. So a helper thread reads, and the request's thread stops waiting in time.
A helper that a client has blocked is free again when that client disconnects.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import IO

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

from app.action.error import InvalidRequest, Unavailable
from app.limiter import Limiter

BODY_SECONDS = 10.0
"""How long a whole body may take to arrive."""

HELPERS = 512
"""How many reads are under way at most, including those whose request has been answered."""

SLOW = "Too many requests are arriving slowly. Please try again."

class Helper:
    """A thread that reads, one body after another. Two locks hand over jobs: a Future would take half as long again."""

    def __init__(self) -> None:
        self._wake, self._done = threading.Lock(), threading.Lock()
        self._wake.acquire()
        self._done.acquire()
        self._stream: IO[bytes] | None = None
        self._size = 0
        self._result: bytes | Exception = b""
        threading.Thread(target=self._run, name="body", daemon=True).start()

    def read(self, stream: IO[bytes], size: int, seconds: float) -> bytes | Exception:
        """Return what `stream.read(size)` returns or raises.

        :raises TimeoutError: it takes longer than `seconds`. The helper is blocked then.
        """
        self._stream, self._size = stream, size
        self._wake.release()
        if not self._done.acquire(timeout=seconds):
            raise TimeoutError
        return self._result

    def wait(self) -> None:
        """Wait until a read that nobody waits for any more has ended."""
        self._done.acquire()

    def _run(self) -> None:
        while True:
            self._wake.acquire()
            stream, self._stream = self._stream, None
            try:
                self._result = stream.read(self._size) if stream is not None else b""
            except Exception as error:
                self._result = error
            del stream
            self._done.release()


class BodyReader:
    """Reads bodies with a time limit.

    :param limiter: limits how many requests wait for a body at a time (kind `body`).
    :param seconds: how long a whole body may take to arrive.
    :param helpers: how many reads are under way at most.
    """

    def __init__(self, limiter: Limiter, *, seconds: float = BODY_SECONDS, helpers: int = HELPERS) -> None:
        self._limiter = limiter
        self._seconds = seconds
        self._places = threading.BoundedSemaphore(helpers)
        self._idle: deque[Helper] = deque()

    def read(self, request: Request) -> bytes:
        """Return the whole body of the request.

        :raises RequestEntityTooLarge: it is larger than MAX_CONTENT_LENGTH.
        :raises InvalidRequest: it broke off before its announced end.
        :raises Unavailable: too many bodies are arriving slowly, or this one took too long.
        """
        limit, length = request.max_content_length or 0, request.content_length
        if length is not None and length > limit:
            raise RequestEntityTooLarge
        with self._limiter.waiting("body", SLOW):
            body = self._read(request.environ["wsgi.input"], limit + 1 if length is None else length)
        if len(body) > limit:
            raise RequestEntityTooLarge
        if length is not None and len(body) != length:
            raise InvalidRequest(f"The body ended after {len(body)} of {length} bytes.")
        return body

    def _read(self, stream: IO[bytes], size: int) -> bytes:
        helper = self._helper()
        try:
            result = helper.read(stream, size, self._seconds)
        except TimeoutError:
            threading.Thread(target=self._recover, args=(helper,), daemon=True).start()
            raise Unavailable(f"The body took longer than {self._seconds:g} s to arrive. Please try again.") from None
        self._idle.append(helper)
        if isinstance(result, Exception):
            raise result
        return result

    def _helper(self) -> Helper:
        try:
            return self._idle.pop()
        except IndexError:
            if not self._places.acquire(blocking=False):
                raise Unavailable(SLOW) from None
            return Helper()

    def _recover(self, helper: Helper) -> None:
        """Make a blocked helper available again once its client has disconnected."""
        helper.wait()
        self._idle.append(helper)
