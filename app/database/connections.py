"""A pool of open connections."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from app.action.error import Unavailable

CONNECTIONS = 8
"""How many connections a process has at most. So no more threads wait for a silent database."""

WAIT_SECONDS = 0.5
"""How long a thread waits for a connection."""

STALL_SECONDS = 0.25
"""If no connection has been given back for so long, no more than WAITERS threads wait for one."""

WAITERS = 8

BUSY = "The database is busy. Please try again."


class ConnectError(Exception):
    """Raised when no connection can be opened."""


class Connections:
    """Open connections, the one used last first.

    :param connect: opens a connection.
    """

    def __init__(self, connect: Callable[[], Any], size: int = CONNECTIONS, wait_seconds: float = WAIT_SECONDS) -> None:
        self._connect = connect
        self._size = size
        self._wait_seconds = wait_seconds
        self._changed = threading.Condition()
        self._idle: list[tuple[int, Any]] = []
        self._open = 0
        self._generation = 0
        self._last_return = time.monotonic()
        self._waiting = 0

    @contextmanager
    def connection(self) -> Iterator[Any]:
        """Lend a connection. One that comes back after `drop` is closed.

        :raises Unavailable: none is free in time.
        :raises ConnectError: none can be opened.
        """
        generation, connection = self._take()
        if connection is None:
            try:
                connection = self._connect()
            except BaseException as error:
                self._give_back(None, generation)
                raise ConnectError from error
        try:
            yield connection
        finally:
            self._give_back(connection, generation)

    def drop(self) -> None:
        """Close all connections as soon as they are not in use."""
        with self._changed:
            idle, self._idle = self._idle, []
            self._open -= len(idle)
            self._generation += 1
            self._changed.notify_all()
        for _, connection in idle:
            connection.close()

    def _take(self) -> tuple[int, Any]:
        with self._changed:
            if not self._idle and self._open >= self._size:
                self._wait()
            if self._idle:
                return self._idle.pop()
            self._open += 1
            return self._generation, None

    def _wait(self) -> None:
        if self._waiting >= WAITERS and time.monotonic() - self._last_return > STALL_SECONDS:
            raise Unavailable(BUSY)
        self._waiting += 1
        try:
            if not self._changed.wait_for(lambda: self._idle or self._open < self._size, self._wait_seconds):
                raise Unavailable(BUSY)
        finally:
            self._waiting -= 1

    def _give_back(self, connection: Any, generation: int) -> None:
        with self._changed:
            self._last_return = time.monotonic()
            if connection is not None and generation == self._generation:
                self._idle.append((generation, connection))
                connection = None
            else:
                self._open -= 1
            if self._waiting:
                self._changed.notify()
        if connection is not None:
            connection.close()
