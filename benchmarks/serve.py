"""Serves a peer through granian, as this provider is served: python -m benchmarks.serve TARGET PORT THREADS."""

from __future__ import annotations

import functools
import gc
import importlib
import multiprocessing
import sys
from typing import Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces

from app.server.serve import OBJECTS_BETWEEN_COLLECTIONS, SWITCH_SECONDS


def main() -> None:
    target, port, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    multiprocessing.set_start_method("spawn")
    server = Granian(
        target,
        address="127.0.0.1",
        port=port,
        interface=Interfaces.WSGI,
        factory=True,
        blocking_threads=threads,
        http=HTTPModes.http1,
        websockets=False,
        log_enabled=False,
    )
    server.serve(target_loader=functools.partial(load, target), wrap_loader=False)


def load(target: str) -> Any:
    """Return the application, in a worker process with the settings of our own server."""
    sys.setswitchinterval(SWITCH_SECONDS)
    module, name = target.split(":")
    app = getattr(importlib.import_module(module), name)()
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    return app


if __name__ == "__main__":
    main()
