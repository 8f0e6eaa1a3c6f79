"""Serves the provider with granian: worker processes with threads, and a clean stop."""

from __future__ import annotations

import atexit
import functools
import gc
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from flask import Flask
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from app.monitoring.shared_counts import FOLDER, prepare_folder, remove_folder
from app.server.supervisor import Supervisor

STOP_SECONDS = 10
"""How long open requests may take when the server is told to stop."""

SWITCH_SECONDS = 0.1
"""How long a thread may run while others want to. A request takes a fifth of a millisecond and ends by itself; Python's
own 5 ms make the threads interrupt each other all the time, which costs a quarter of the throughput."""

OBJECTS_BETWEEN_COLLECTIONS = 10_000
"""How many new objects make Python look for cycles. With its default of 700, it would look through the actions in
memory all the time, which takes a tenth of the time of a run."""

SIGNAL_SECONDS = 0.5
"""How long a signal may wait for its handler."""

HEADER_SECONDS = 10
"""How long a connection may take to send its headers."""

CONNECTIONS = 10_000
"""How many connections a worker holds; idle ones cost little."""

CONNECTIONS_WAITING = 2048

_LOG_AS_WE_DO: dict[str, Any] = {"loggers": {"_granian": {"handlers": [], "propagate": True}}}
"""Writes granian's own lines in the form of all others."""


def serve(host: str, port: int, *, workers: int, threads: int, on_ready: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT, or until the terminal is closed.

    :param threads: how many requests a worker serves at once.
    :param on_ready: called as soon as requests are answered.
    :raises MissingFolder: PROMETHEUS_MULTIPROC_DIR names a folder that does not exist.
    """
    is_own = FOLDER not in os.environ
    prepare_folder()
    own_folder = os.environ.get(FOLDER) if is_own else None
    if own_folder is not None:
        atexit.register(remove_folder, own_folder)
    multiprocessing.set_start_method("spawn")  # a fork would copy locks that other threads hold
    server = Supervisor(
        "app:create_app",
        address=address_of(host),
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=threads,
        # No client speaks HTTP/2 without TLS, and there a body that never ends would hold a thread forever.
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_SECONDS * 1000),
        websockets=False,
        backlog=CONNECTIONS_WAITING,
        backpressure=CONNECTIONS,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_SECONDS,
        log_level=LogLevels.error,
        log_dictconfig=_LOG_AS_WE_DO,
    )

    server.ends_with_terminal = sys.stderr.isatty() and not _ignores_hangup()

    def ready() -> None:
        server.has_served = True
        on_ready()

    threading.Thread(target=_when_ready, args=(host, port, ready), daemon=True).start()
    _handle_signals_soon()
    server.serve(target_loader=functools.partial(load, threads, own_folder), wrap_loader=False)


def address_of(host: str) -> str:
    """Return the IP address of a host, preferably of version 4.

    :raises OSError: it has none.
    """
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return str(min(found, key=lambda entry: entry[0] != socket.AF_INET)[4][0])


def check_free(host: str, port: int) -> None:
    """Raise OSError unless the port is free. Otherwise, granian would share it with another granian."""
    address = address_of(host)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    socket.create_server((address, port), family=family).close()


def load(threads: int, metrics_folder: str | None = None) -> Flask:
    """Return the application, in a worker process.

    :param metrics_folder: removed by the workers if the server was killed.
    """
    from app import create_app

    sys.setswitchinterval(SWITCH_SECONDS)
    atexit.register(_exit_at_once)  # first, so that it comes last
    _handle_signals_soon()
    if sys.platform != "win32":
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the server decides
    threading.Thread(target=_end_with_parent, args=(metrics_folder,), daemon=True).start()
    app = create_app(threads=threads)
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    return app


def _ignores_hangup() -> bool:
    """Return whether the server was started with nohup."""
    return sys.platform == "win32" or signal.getsignal(signal.SIGHUP) == signal.SIG_IGN


def _handle_signals_soon() -> None:
    """Have the handlers of signals run within SIGNAL_SECONDS, so that none is lost.

    Python runs them in the main thread, which granian lets wait for a lock. A signal that comes just before this wait,
    or to another thread, does not end it, and the server would go on as if it had not been told to stop. So a timer
    interrupts the wait now and then.
    """
    if sys.platform != "win32":  # which has no such timer
        signal.signal(signal.SIGALRM, lambda *_: None)
        signal.setitimer(signal.ITIMER_REAL, SIGNAL_SECONDS, SIGNAL_SECONDS)
        atexit.register(signal.setitimer, signal.ITIMER_REAL, 0)  # after that, Python handles no signal anymore


def _exit_at_once() -> None:
    """End this worker without Python's last steps, in which a thread of granian would abort it now and then."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(0)


def _end_with_parent(metrics_folder: str | None) -> None:
    """Stop this worker if its parent dies, and clean up after the parent."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        if metrics_folder is not None:
            remove_folder(metrics_folder)
        os.kill(os.getpid(), signal.SIGTERM)


def _when_ready(host: str, port: int, on_ready: Callable[[], None]) -> None:
    """Wait until a worker answers; connections are accepted before that."""
    while True:
        with suppress(OSError), socket.create_connection((host, port), timeout=1) as connection:
            connection.sendall(b"?\r\n\r\n")  # granian answers 400 by itself, so that it is neither counted nor logged
            if connection.recv(1):
                break
        time.sleep(0.02)
    on_ready()
