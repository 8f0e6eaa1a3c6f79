"""Serves the stand-in on the loopback interface, in a thread, and points globus-sdk at it."""

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
    """Keeps connections open, and says nothing about requests that went well."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


@dataclass(frozen=True)
class RunningGlobus:
    """The stand-in while it runs; `url` ends in a slash, as globus-sdk wants it."""

    url: str
    server: BaseWSGIServer

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that point globus-sdk at it."""
        return {"GLOBUS_SDK_SERVICE_URL_AUTH": self.url, "GLOBUS_SDK_SERVICE_URL_GROUPS": self.url}

    def point_sdk_here(self, environ: MutableMapping[str, str] = os.environ) -> None:
        """Have globus-sdk, here and in child processes, talk to this stand-in, and not by way of a proxy."""
        environ.pop("GLOBUS_SDK_ENVIRONMENT", None)
        environ.update(self.environment)
        for name in ("NO_PROXY", "no_proxy"):
            environ[name] = ",".join(filter(None, (environ.get(name), HOST, "localhost", "::1")))

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def start_globus(app: Flask, port: int = 0) -> RunningGlobus:
    """Serve `app` in a thread that ends with the process.

    :param port: 0 picks one that is free.
    :raises OSError: the port is taken.
    """
    with socket.create_server((HOST, port)) as listening:
        server = make_server(HOST, port, app, threaded=True, request_handler=QuietRequestHandler, fd=listening.fileno())
    threading.Thread(target=server.serve_forever, name="local_globus", daemon=True).start()
    return RunningGlobus(f"http://{HOST}:{server.socket.getsockname()[1]}/", server)
