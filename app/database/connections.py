"""Lends a few persistent connections to threads, so that threads do not wait in vain for a silent database."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Protocol

from app.database.command import Command, Rows

log = logging.getLogger(__name__)

CONNECTIONS = 8
"""The largest number of a process's connections, and so of its threads that wait for a silent database."""

LOOK_SECONDS = 0.1
QUIET_LOOKS = 10
"""A thread in line looks this often whether the database answers anybody. If it does not, a second is enough. Counted
in looks, so that a process that was stopped for a while does not take that for silence."""

IN_LINE_SECONDS = 5
"""How long a thread waits in line at most, however busy the database is."""

AT_ONCE_SECONDS = 0.5
"""How quickly a dead connection is noticed."""


class NoAnswer(Exception):
    """Raised when a database does not answer a call, in time or at all. Its message says why, in one line."""


class Silent(NoAnswer):
    """Raised when a database has not answered in time."""


class Lost(NoAnswer):
    """Raised when a connection turns out to be dead, or cannot be made."""


class Connection(Protocol):
    """An open connection to a database."""

    def execute(self, command: Command, parameters: Mapping[str, Any]) -> Rows:
        """Execute the command, completely or not at all, and return its rows.

        :raises NoAnswer: the database does not answer, or cannot do it now.
        """

    def is_usable(self) -> bool:
        """Return whether the connection can be used again."""

    def close(self) -> None: ...


class Connections:
    """The connections to a database.

    After a call has timed out, all others fail at once, except for one at a time that finds out whether the database
    answers again.

    :param connect: makes a connection.
    :param size: the largest number of connections.
    """

    def __init__(self, connect: Callable[[], Connection], size: int = CONNECTIONS) -> None:
        self._connect = connect
        self._size = size
        self._idle: deque[Connection] = deque()
        self._open = 0
        self._waiting = 0
        self._changed = threading.Condition()
        self._answers = 0
        self._silence: str | None = None
        self._probe = threading.Lock()

    def execute(self, command: Command, parameters: Mapping[str, Any]) -> tuple[Rows, bool]:
        """Execute the command, and return its rows, and whether it may have been executed twice.

        A connection may have died while idle, which shows immediately. Then the command is retried once.

        :raises NoAnswer: the database does not answer, or cannot do it now.
        """
        if self._silence is None:
            return self._execute(command, parameters)
        if not self._probe.acquire(blocking=False):
            raise NoAnswer(self._silence)
        try:
            rows = self._execute(command, parameters)
            self._silence = None
            return rows
        finally:
            self._probe.release()

    def close(self) -> None:
        """Close the connections that nobody uses."""
        while self._idle:
            self._discard(self._idle.pop())

    def _execute(self, command: Command, parameters: Mapping[str, Any]) -> tuple[Rows, bool]:
        begin = time.monotonic()
        try:
            try:
                return self._attempt(command, parameters), False
            except Lost:
                if time.monotonic() - begin > AT_ONCE_SECONDS:
                    raise
                self.close()
                return self._attempt(command, parameters), True
        except NoAnswer as error:
            log.warning("The database does not answer: %s", error)
            raise

    def _attempt(self, command: Command, parameters: Mapping[str, Any]) -> Rows:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._wait_for_one()
        try:
            rows = connection.execute(command, parameters)
            self._answers += 1
            return rows
        except NoAnswer as error:
            self._note(error)
            raise
        finally:
            self._give_back(connection)

    def _note(self, error: BaseException) -> None:
        if isinstance(error, Silent):
            self._silence = str(error)

    def _give_back(self, connection: Connection) -> None:
        if not connection.is_usable():
            self._discard(connection)
            return
        self._idle.append(connection)
        if self._waiting:
            with self._changed:
                self._changed.notify()

    def _discard(self, connection: Connection) -> None:
        with suppress(Exception):
            connection.close()
        with self._changed:
            self._open -= 1
            self._changed.notify_all()

    def _wait_for_one(self) -> Connection:
        """Return an idle connection, or a new one if there may be more, as soon as there is one."""
        deadline = time.monotonic() + IN_LINE_SECONDS
        answers, quiet = self._answers, 0
        with self._changed:
            self._waiting += 1
            try:
                while True:
                    with suppress(IndexError):
                        return self._idle.pop()
                    if self._open < self._size:
                        self._open += 1
                        break
                    if not self._changed.wait(LOOK_SECONDS):
                        quiet = quiet + 1 if self._answers == answers else 0
                        answers = self._answers
                    if quiet >= QUIET_LOOKS or self._silence is not None or time.monotonic() > deadline:
                        raise NoAnswer(self._silence or "it is too busy")
            finally:
                self._waiting -= 1
        try:
            return self._connect()
        except BaseException as error:
            with self._changed:
                self._open -= 1
                self._changed.notify()
            self._note(error)
            raise
