"""A slow stand-in for Globus Auth. It only introspects tokens, and can handle bursts."""

from __future__ import annotations

import asyncio
import json
import threading
import uuid
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs

KNOWN = "known-"
"""The beginning of valid tokens; any other token is invalid."""


class SlowAuth:
    """Answers introspections after `delay` seconds, over persistent connections.

    :param welcomes: whether every token is valid.
    """

    def __init__(self, scope: str) -> None:
        self.delay = 0.0
        self.welcomes = False
        self.asked = 0
        self._scope = scope
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1000))
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/"
        self._connections: set[asyncio.StreamWriter] = set()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def refuse(self) -> None:
        """Refuse connections from now on, and close the open ones."""
        self._loop.call_soon_threadsafe(self._close)

    def _close(self) -> None:
        self._server.close()
        for writer in self._connections:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                _, _, length = head.partition("content-length: ")
                body = await reader.readexactly(int(length.partition("\r")[0] or 0))
                self.asked += 1
                (token,) = parse_qs(body.decode()).get("token", [""])
                await asyncio.sleep(self.delay)
                answer = json.dumps(self._introspect(token)).encode()
                head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(answer)}\r\n\r\n"
                writer.write(head.encode() + answer)
        self._connections.discard(writer)
        writer.close()

    def _introspect(self, token: str) -> Any:
        if not token.startswith(KNOWN) and not self.welcomes:
            return {"active": False}
        person = str(uuid.uuid5(uuid.NAMESPACE_DNS, token))
        return {"active": True, "scope": self._scope, "sub": person, "identity_set": [person]}
