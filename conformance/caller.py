"""Somebody who calls the provider under test: one method an operation."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from conformance.wire import Answer

if TYPE_CHECKING:
    from conformance.subject import Subject

LABEL = "conformance test"


def new_id() -> str:
    return str(uuid.uuid4())


class Caller:
    """Somebody, or nobody, who calls the provider: one method an operation.

    :param who: in words, for the report.
    :param authorization: the Authorization header, or None.
    """

    def __init__(self, subject: Subject, who: str, authorization: str | None) -> None:
        self._subject = subject
        self.who = who
        self._authorization = authorization

    def ask(self, operation: str, method: str, path: str, data: bytes | None = None) -> Answer:
        """:raises NoAnswer: nothing came back in time."""
        wire, authorization = self._subject.wire, self._authorization
        return wire.ask(operation, method, path, who=self.who, authorization=authorization, data=data)

    def introspect(self) -> Answer:
        return self.ask("introspection", "GET", self._subject.introspection_path)

    def post_run(self, data: bytes, path: str = "/run") -> Answer:
        """Whatever it starts is cleaned up in the end."""
        answer = self.ask("run", "POST", path, data)
        if answer.is_success and isinstance(action_id := answer.object.get("action_id"), str):
            self._subject.started.setdefault(action_id, self)
        return answer

    def run(self, request_id: str | None = None, *, path: str = "/run", **fields: Any) -> Answer:
        request = {"request_id": request_id or new_id(), "body": self._subject.body, **fields}
        return self.post_run(json.dumps(request).encode(), path)

    def status(self, action_id: str) -> Answer:
        return self.ask("status", "GET", f"/{quote(action_id, safe='')}/status")

    def cancel(self, action_id: str) -> Answer:
        return self.ask("cancel", "POST", f"/{quote(action_id, safe='')}/cancel")

    def release(self, action_id: str) -> Answer:
        return self.ask("release", "POST", f"/{quote(action_id, safe='')}/release")

    def log(self, action_id: str) -> Answer:
        return self.ask("log", "GET", f"/{quote(action_id, safe='')}/log")
