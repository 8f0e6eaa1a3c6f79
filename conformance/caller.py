"""A caller of the provider under test: one method per operation."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from conformance.errors import NoResponse
from conformance.exchange import Request
from conformance.response import Response

if TYPE_CHECKING:
    from conformance.provider import ProviderUnderTest

LABEL = "conformance test"


def new_id() -> str:
    return str(uuid.uuid4())


class Caller:
    """Calls the provider with one Authorization header, or without.

    :param description: the caller in words, for the report ("with the token").
    :param authorization: the value of the Authorization header, or None.
    """

    def __init__(self, provider: ProviderUnderTest, description: str, authorization: str | None) -> None:
        self._provider = provider
        self.description = description
        self._authorization = authorization

    def request(self, operation: str, method: str, path: str, data: bytes | None = None) -> Request:
        return Request(operation, method, path, self.description, self._authorization, data)

    def send(self, operation: str, method: str, path: str, data: bytes | None = None) -> Response:
        """Send a request; see `Transport.send` for what it raises."""
        return self._provider.transport.send(self.request(operation, method, path, data))

    def introspect(self) -> Response:
        return self.send("introspection", "GET", self._provider.introspection_path)

    def post_run(self, data: bytes, path: str = "/run") -> Response:
        """Send this as a run request, and remember the action it starts for the cleanup."""
        return self._remember(self.send("run", "POST", path, data))

    def run(self, request_id: str | None = None, *, path: str = "/run", **fields: Any) -> Response:
        return self.post_run(self._run_request(request_id or new_id(), **fields), path)

    def run_together(self, request_id: str, number: int) -> list[Response | NoResponse]:
        """Send the same run request `number` times at the same moment."""
        request = self.request("run", "POST", "/run", self._run_request(request_id))
        results = self._provider.transport.send_together([request] * number)
        return [self._remember(result) if isinstance(result, Response) else result for result in results]

    def status(self, action_id: str) -> Response:
        return self.send("status", "GET", f"/{quote(action_id, safe='')}/status")

    def cancel(self, action_id: str) -> Response:
        return self.send("cancel", "POST", f"/{quote(action_id, safe='')}/cancel")

    def release(self, action_id: str) -> Response:
        return self.send("release", "POST", f"/{quote(action_id, safe='')}/release")

    def log(self, action_id: str) -> Response:
        return self.send("log", "GET", f"/{quote(action_id, safe='')}/log")

    def resume(self, action_id: str) -> Response:
        return self.send("resume", "POST", f"/{quote(action_id, safe='')}/resume")

    def enumerate(self, query: str = "") -> Response:
        return self.send("enumeration", "GET", f"/actions{query}")

    def _run_request(self, request_id: str, **fields: Any) -> bytes:
        return json.dumps({"request_id": request_id, "body": self._provider.body, **fields}).encode()

    def _remember(self, response: Response) -> Response:
        if response.is_success and isinstance(action_id := response.object.get("action_id"), str):
            self._provider.started.setdefault(action_id, self)
        return response
