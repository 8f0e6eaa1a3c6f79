"""A connection to Globus Auth and Groups that can be made to fail: a TCP forwarder that misbehaves on demand."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

Fault = Callable[[socket.socket], None]


def answering(status: str, content_type: str, body: bytes, *headers: str) -> Fault:
    """Answers every request with this response."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {content_type}", f"Content-Length: {len(body)}", *headers]
    return sending("\r\n".join([*lines, "Connection: close", "", ""]).encode() + body)


def sending(data: bytes) -> Fault:
    """Sends these bytes, whatever the request, and hangs up."""

    def send(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(data)

    return send


def resetting(connection: socket.socket) -> None:
    """Resets the connection."""
    connection.recv(65536)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class FaultyGlobus:
    """Forwards connections to `target`, a URL, unless there is a `fault`; with `hangs`, it never responds."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._target = (str(parts.hostname), int(parts.port or 80))
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/"
        self.fault: Fault | None = None
        self.hangs = threading.Event()
        self._end = threading.Event()
        self._start(self._serve)

    def close(self) -> None:
        """Refuse connections from now on."""
        self._end.set()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _start(self, work: Callable[..., None], *arguments: socket.socket) -> None:
        threading.Thread(target=work, args=arguments, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                self._start(self._handle, connection)

    def _handle(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            if self.hangs.is_set():
                self._end.wait(60)
            elif self.fault is not None:
                self.fault(connection)
            else:
                with socket.create_connection(self._target, timeout=60) as target:
                    self._start(self._copy, connection, target)
                    self._copy(target, connection)

    @staticmethod
    def _copy(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
