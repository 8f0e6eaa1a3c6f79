"""One request to the provider under test and what came back, in limited time, whatever comes back."""

from __future__ import annotations

import json
import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import requests

MAX_BYTES = 1024 * 1024
"""How much of an answer is read."""

HIDDEN = "<token>"
SHORTEST_TOKEN = 8
"""Shorter ones are hidden nowhere: they would be found everywhere."""

PATIENCE = 2
"""After so many requests without an answer, an operation is not asked any more."""


class NotJSON(Exception):
    """An answer is no JSON document; says why."""


class NoAnswer(Exception):
    """Nothing usable came back; says what was asked, and what happened instead."""

    def __init__(self, asked: str, reason: str) -> None:
        super().__init__(f"{asked}: {reason}")
        self.reason = reason


@dataclass(frozen=True)
class Answer:
    """What came back. `who` tells, in words, whose request it was."""

    who: str
    method: str
    path: str
    code: int
    headers: requests.structures.CaseInsensitiveDict[str]
    content: bytes

    @property
    def asked(self) -> str:
        return f"{self.method} {shorten(self.path)} {self.who}"

    @property
    def content_type(self) -> str:
        return self.headers.get("Content-Type", "").split(";")[0].strip().lower()

    @property
    def is_success(self) -> bool:
        return 200 <= self.code < 300

    @cached_property
    def _parsed(self) -> tuple[Any, str | None]:
        try:
            return json.loads(self.content.decode("utf-8"), parse_constant=_refuse), None
        except RecursionError:
            return None, "it is nested too deeply"
        except ValueError as error:
            return None, str(error)

    @property
    def json(self) -> Any:
        """:raises NotJSON: it is none."""
        document, fault = self._parsed
        if fault is not None:
            raise NotJSON(fault)
        return document

    @property
    def object(self) -> dict[str, Any]:
        """The JSON object that it is, or an empty one."""
        document, _ = self._parsed
        return document if isinstance(document, dict) else {}

    @property
    def is_json(self) -> bool:
        return self._parsed[1] is None

    def __str__(self) -> str:
        kind = self.content_type or "no Content-Type"
        return f"{self.asked} → {self.code}, {kind}: {shorten(self.content.decode('utf-8', 'replace'))}"


class Wire:
    """Sends requests, and remembers the answers.

    :param base: the provider's URL without a final slash.
    :param limit_seconds: how long a whole answer may take.
    """

    def __init__(self, base: str, *, limit_seconds: float) -> None:
        self.base = base
        self.limit_seconds = limit_seconds
        self.answers: list[Answer] = []
        self._unanswered: Counter[str] = Counter()

    def ask(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        who: str,
        authorization: str | None = None,
        data: bytes | None = None,
    ) -> Answer:
        """:raises NoAnswer: nothing came back in time, or the connection broke."""
        asked = f"{method} {shorten(path) or '(the URL itself)'} {who}"
        if self._unanswered[operation] >= PATIENCE:
            raise NoAnswer(asked, f"not asked any more, since {operation} left {PATIENCE} requests without an answer")
        try:
            send = partial(self._send, method, path, who=who, authorization=authorization, data=data)
            answer = self._within_limit(send)
        except (requests.RequestException, OSError, ValueError, queue.Empty) as error:
            self._unanswered[operation] += 1
            raise NoAnswer(asked, self._reason(error)) from error
        self.answers.append(answer)
        return answer

    def _within_limit(self, send: Callable[[], Answer]) -> Answer:
        """In a thread, since the limits of `requests` are for single reads: who drips a byte a second stays below."""
        came: queue.SimpleQueue[Answer | Exception] = queue.SimpleQueue()

        def work() -> None:
            try:
                came.put(send())
            except Exception as error:
                came.put(error)

        threading.Thread(target=work, daemon=True).start()
        answer = came.get(timeout=self.limit_seconds)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _send(self, method: str, path: str, *, who: str, authorization: str | None, data: bytes | None) -> Answer:
        headers = {"Accept": "application/json"}
        if data is not None:
            headers["Content-Type"] = "application/json"
        with requests.request(
            method,
            self.base + path,
            data=data,
            headers=headers,
            auth=_Authorization(authorization),
            timeout=self.limit_seconds,
            allow_redirects=False,
            stream=True,
        ) as response:
            content = _without(authorization, _first_bytes(response.iter_content(65536)))
            return Answer(who, method, path, response.status_code, response.headers, content)

    def _reason(self, error: Exception) -> str:
        if isinstance(error, queue.Empty | requests.Timeout):
            return f"no answer within {self.limit_seconds:g} s"
        if isinstance(error, requests.exceptions.SSLError):
            return f"TLS failed: {shorten(str(error), 120)}"
        if "refused" in str(error):
            return "the connection was refused"
        if "resolve" in str(error) or "Name or service" in str(error):
            return "the name of the host is not known"
        return f"the connection broke ({shorten(str(error), 120)})"


class _Authorization(requests.auth.AuthBase):
    """Exactly this header or none: without it, `requests` would take passwords from ~/.netrc."""

    def __init__(self, value: str | None) -> None:
        self._value = value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._value is not None:
            request.headers["Authorization"] = self._value
        return request


def _without(authorization: str | None, content: bytes) -> bytes:
    """The content without the token that was sent: what is shown of it may be cut anywhere, also within a token."""
    token = (authorization or "").removeprefix("Bearer ").encode()
    return content.replace(token, HIDDEN.encode()) if len(token) >= SHORTEST_TOKEN else content


def _first_bytes(chunks: Iterable[bytes]) -> bytes:
    content = bytearray()
    for chunk in chunks:
        content += chunk
        if len(content) > MAX_BYTES:
            break
    return bytes(content)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def shorten(text: str, length: int = 200) -> str:
    """One line of `text`, without control characters, `length` characters at most."""
    line = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return line if len(line) <= length else line[: length - 1] + "…"
