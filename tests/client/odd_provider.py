"""A provider that sends the responses prescribed by a test, valid or not, over real HTTP."""

from __future__ import annotations

import contextlib
import json
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SCOPE = "https://auth.globus.org/scopes/0dd00000-0000-4000-8000-000000000000/action_all"
DESCRIPTION = {"title": "Odd", "globus_auth_scope": SCOPE, "input_schema": {"type": "object"}}


@dataclass(frozen=True)
class CannedResponse:
    """One response. A status of None drops the connection; `drips` sends the response byte by byte without end."""

    status: int | None = 200
    body: Any = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    drips: str = ""  # "body" or "head"

    @property
    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()

    @property
    def content_type(self) -> str:
        return "text/html" if isinstance(self.body, (str, bytes)) else "application/json"


def action(status: str, **fields: Any) -> CannedResponse:
    """Return a response with the status of the action "a"."""
    return CannedResponse(body={"action_id": "a", "status": status, **fields})


class OddProvider:
    """Sends the prescribed responses to each request in turn, and repeats the last one."""

    def __init__(self) -> None:
        self.answers: dict[str, list[CannedResponse]] = defaultdict(list)
        self.requests: list[str] = []
        self.bodies: list[Any] = []
        self.tokens: list[str | None] = []
        self.url = ""

    def answer(self, request: str, *answers: CannedResponse) -> None:
        """:param request: as "GET /a/status"."""
        self.answers[request] = list(answers)

    def next_answer(self, request: str) -> CannedResponse:
        left = self.answers[request]
        if not left:
            return CannedResponse(404, {"code": "NotFound", "description": f"No {request}"})
        return left.pop(0) if len(left) > 1 else left[0]


@contextlib.contextmanager
def running_odd_provider() -> Iterator[OddProvider]:
    provider = OddProvider()
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def handle_one(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            provider.requests.append(f"{self.command} {self.path}")
            provider.bodies.append(json.loads(body) if body else None)
            provider.tokens.append(self.headers.get("Authorization"))
            answer = provider.next_answer(f"{self.command} {self.path.partition('?')[0]}")
            if answer.status is None:
                self.close_connection = True
                return
            if answer.drips == "head":
                self.drip(b"HTTP/1.1 200 OK\r\nX-More: ")
                return
            self.send_response(answer.status)
            for name, value in {"Content-Type": answer.content_type, **answer.headers}.items():
                self.send_header(name, value)
            if answer.drips == "body":
                self.end_headers()
                self.drip(answer.content)
                return
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def drip(self, start: bytes) -> None:
            """Send `start`, and then a byte now and again until the test is over or the client hangs up."""
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.wfile.write(start)
                while not over.wait(0.02):
                    self.wfile.write(b" ")

        do_GET = do_POST = handle_one  # noqa: N815 # the names that the base class looks for

        def log_message(self, format: str, *arguments: Any) -> None:  # as in the base class
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.url = f"http://127.0.0.1:{server.server_port}"
    provider.answer("GET /", CannedResponse(body=DESCRIPTION))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield provider
    finally:
        over.set()
        server.shutdown()
        server.server_close()
