"""Serves a peer through granian, as this provider is served: python -m benchmarks.serve TARGET PORT THREADS."""

from __future__ import annotations

import multiprocessing
import sys

from granian import Granian
from granian.constants import HTTPModes, Interfaces


def main() -> None:
    target, port, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    multiprocessing.set_start_method("spawn")
    Granian(
        target,
        address="127.0.0.1",
        port=port,
        interface=Interfaces.WSGI,
        factory=True,
        blocking_threads=threads,
        http=HTTPModes.http1,
        websockets=False,
        log_enabled=False,
    ).serve()


if __name__ == "__main__":
    main()
