"""Reads the body of a request.

A WSGI server sets no time limit on reading: a client that stalls holds a thread until it disconnects. So only a few
bodies are read at a time, and fewer of one caller. A proxy that reads whole bodies first, as nginx does, keeps such
clients away.
"""

from __future__ import annotations

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

from app.action.error import InvalidRequest
from app.limiter import Limiter

SLOW = "Too many requests are arriving slowly. Please try again."


def read_body(request: Request, limiter: Limiter, caller: str) -> bytes:
    """Return the whole body of the request.

    :param caller: the principal URN of the caller, who may hold only some of the places.
    :raises RequestEntityTooLarge: it is larger than MAX_CONTENT_LENGTH.
    :raises InvalidRequest: it ended before its announced length.
    :raises Unavailable: too many bodies are arriving slowly.
    """
    limit, length = request.max_content_length or 0, request.content_length
    if length == 0:
        return b""
    if length is not None and length > limit:
        raise RequestEntityTooLarge
    with limiter.holding("body", SLOW, owner=caller):
        body: bytes = request.environ["wsgi.input"].read(limit + 1 if length is None else length)
    if len(body) > limit:
        raise RequestEntityTooLarge
    if length is not None and len(body) != length:
        raise InvalidRequest(f"The body ended after {len(body)} of {length} bytes.")
    return body
