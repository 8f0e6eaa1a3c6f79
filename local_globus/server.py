"""Serves the stand-in on the loopback interface, and points globus-sdk at it."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import MutableMapping
from dataclasses import dataclass

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

HOST = "127.0.0.1"


class QuietRequestHandler(WSGIRequestHandler):
    """Handles requests without logging them, on persistent connections."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


@dataclass(frozen=True)
class RunningGlobus:
    """The running stand-in; `url` ends with a slash, which globus-sdk 4 needs."""

    url: str
    server: BaseWSGIServer

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that point globus-sdk at it."""
        return {"GLOBUS_SDK_SERVICE_URL_AUTH": self.url, "GLOBUS_SDK_SERVICE_URL_GROUPS": self.url}

    def point_sdk_here(self, environ: MutableMapping[str, str] = os.environ) -> None:
        """Make globus-sdk talk to this stand-in without a proxy, in this process and its children."""
        environ.pop("GLOBUS_SDK_ENVIRONMENT", None)
        environ.update(self.environment)
        for name in ("NO_PROXY", "no_proxy"):
            environ[name] = ",".join(filter(None, (environ.get(name), HOST, "localhost", "::1")))

    def stop(self) -> None:
        """Stop serving and close the socket."""
        self.server.shutdown()
        self.server.server_close()


def start_globus(app: Flask, port: int = 0) -> RunningGlobus:
    """Serve `app` in a thread that ends with the process.

    :param port: 0 picks a free one.
    :raises OSError: the port is taken.
    """
    with socket.create_server((HOST, port)) as listening:
        server = make_server(HOST, port, app, threaded=True, request_handler=QuietRequestHandler, fd=listening.fileno())
    serve = {"poll_interval": 0.05}  # how many seconds stop() waits at most
    threading.Thread(target=server.serve_forever, kwargs=serve, name="local_globus", daemon=True).start()
    return RunningGlobus(f"http://{HOST}:{server.socket.getsockname()[1]}/", server)
