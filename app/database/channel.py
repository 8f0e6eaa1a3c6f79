"""Calls to a database: on open connections, once more if one was dead, and failing fast while it is silent."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Protocol, TypeVar

import psycopg

from app.action.error import Unavailable
from app.database.connections import CONNECTIONS, WAIT_SECONDS, ConnectError, Connections
from app.database.engine import reason

PROBE_SECONDS = 0.5
"""How often one request tries whether a silent database answers again."""

QUICK_SECONDS = 0.5
"""A dead connection shows this soon. Then a call is tried once more."""

SILENT = "The database does not answer. Please try again."

ERRORS = (psycopg.Error, sqlite3.Error)

log = logging.getLogger(__name__)


class Closable(Protocol):
    """A connection to a database."""

    def is_dead(self) -> bool: ...

    def close(self) -> None: ...


S = TypeVar("S", bound=Closable)
T = TypeVar("T")


class Breaker:
    """Fails fast after a failure, except for one probe per PROBE_SECONDS."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next_probe: float | None = None

    def enter(self) -> bool:
        """Return whether this call is a probe.

        :raises Unavailable: the database was silent the last time, and it is too early for a probe.
        """
        if self._next_probe is None:
            return False
        with self._lock:
            now = time.monotonic()
            if self._next_probe is not None and now < self._next_probe:
                raise Unavailable(SILENT)
            self._next_probe = now + PROBE_SECONDS
            return True

    @property
    def is_open(self) -> bool:
        """Whether the database was silent the last time."""
        return self._next_probe is not None

    def failed(self) -> None:
        with self._lock:
            self._next_probe = time.monotonic() + PROBE_SECONDS

    def answered(self) -> None:
        if self._next_probe is not None:
            with self._lock:
                self._next_probe = None


class Channel:
    """The way to a database for one kind of call.

    :param connect: opens a connection.
    :param size: how many connections there are at most.
    :param wait_seconds: how long a call waits for one.
    """

    def __init__(
        self, connect: Callable[[], Closable], size: int = CONNECTIONS, wait_seconds: float = WAIT_SECONDS
    ) -> None:
        self.connections = Connections(connect, size, wait_seconds)
        self._breaker = Breaker()

    def call(self, work: Callable[[S, bool], T]) -> T:
        """Return what `work` returns for a connection, and whether it is tried again.

        :raises Unavailable: the database does not answer.
        """
        begin, is_probe = time.monotonic(), self._breaker.enter()
        try:
            try:
                result = self._try(work, is_probe=is_probe, is_retry=False)
            except (DeadError, *CONFLICTS):
                if time.monotonic() - begin > QUICK_SECONDS:
                    raise
                result = self._try(work, is_probe=is_probe, is_retry=True)
        except (DeadError, *ERRORS) as error:
            if isinstance(error, DeadError) or time.monotonic() - begin > QUICK_SECONDS:
                self._breaker.failed()
            log.warning("The database does not answer: %s", reason(error.__cause__ or error))
            raise Unavailable(SILENT) from error
        self._breaker.answered()
        return result

    def _try(self, work: Callable[[S, bool], T], *, is_probe: bool, is_retry: bool) -> T:
        try:
            with self.connections.connection() as connection:
                if self._breaker.is_open and not is_probe:
                    raise Unavailable(SILENT)
                try:
                    return work(connection, is_retry)
                except ERRORS as error:
                    if not connection.is_dead():
                        raise
                    self.connections.drop()
                    raise DeadError from error
        except ConnectError as error:
            self.connections.drop()
            raise DeadError from error.__cause__


class DeadError(Exception):
    """Raised when a connection is dead, or none can be opened."""


CONFLICTS = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)
"""Simultaneous transactions were in each other's way: trying again will do."""
