"""A provider's response to one request."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from requests.structures import CaseInsensitiveDict

from conformance.errors import NotJSON


@dataclass(frozen=True, eq=False)
class Response:
    """A response and the request it answers.

    `caller` says in words whose request it was ("with the token"). `sent_at` and `received_at` are in seconds of the
    monotonic clock: when the last byte of the request was sent, and when the response had been read.
    """

    caller: str
    method: str
    path: str
    code: int
    headers: CaseInsensitiveDict[str]
    content: bytes
    sent_at: float = 0.0
    received_at: float = 0.0

    @property
    def request(self) -> str:
        return f"{self.method} {shorten(self.path) or '(the URL itself)'} {self.caller}"

    @property
    def content_type(self) -> str:
        return self.headers.get("Content-Type", "").split(";")[0].strip().lower()

    @property
    def is_success(self) -> bool:
        return 200 <= self.code < 300

    @property
    def is_gateway_error(self) -> bool:
        """True for 502, 503, and 504: a gateway answers in place of the provider."""
        return self.code in (502, 503, 504)

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
        """The JSON document.

        :raises NotJSON: the content is not JSON.
        """
        document, fault = self._parsed
        if fault is not None:
            raise NotJSON(fault)
        return document

    @property
    def object(self) -> dict[str, Any]:
        """The JSON object, or an empty one if the content is anything else."""
        document, _ = self._parsed
        return document if isinstance(document, dict) else {}

    @property
    def is_json(self) -> bool:
        return self._parsed[1] is None

    def overlaps(self, other: Response) -> bool:
        """Return whether both requests were in flight at the same moment."""
        return max(self.sent_at, other.sent_at) < min(self.received_at, other.received_at)

    def __str__(self) -> str:
        kind = self.content_type or "no Content-Type"
        return f"{self.request} → {self.code}, {kind}: {shorten(self.content.decode('utf-8', 'replace'))}"


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def shorten(text: str, length: int = 200) -> str:
    """Return `text` on one line, without control characters, cut to `length` characters."""
    line = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return line if len(line) <= length else line[: length - 1] + "…"
