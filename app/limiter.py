"""Limits how many threads of a worker wait for something slow, so that callers who wait for nothing are always served."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from app.action.error import Unavailable

WAITERS = 8
"""How many threads may wait for one kind of thing (Globus Auth, Groups, a body, a hook) at a time."""

THREADS = 32
"""How many threads a worker has by default."""

SPARE = 4
"""How many threads brief waits leave free at least."""


class Limiter:
    """Counts waiting threads by kind, from the first moment.

    :param threads: how many threads the worker has. All waiters together are fewer.
    """

    def __init__(self, threads: int = THREADS, waiters: int = WAITERS) -> None:
        self._total = max(1, threads - 1)
        self._waiters = waiters
        self._lock = threading.Lock()
        self._waiting: Counter[str] = Counter()
        self._all = 0

    def try_enter(self, kind: str) -> bool:
        """Take a place for a waiter of this kind without waiting. Return False if there is none."""
        with self._lock:
            if self._waiting[kind] >= self._waiters or self._all >= self._total:
                return False
            self._waiting[kind] += 1
            self._all += 1
            return True

    def try_enter_brief(self) -> bool:
        """Take a place for a brief wait (kind `brief`), of which there are as many as leave SPARE threads free."""
        with self._lock:
            if self._all >= self._total + 1 - SPARE:
                return False
            self._waiting["brief"] += 1
            self._all += 1
            return True

    def leave(self, kind: str) -> None:
        """Give the place back."""
        with self._lock:
            self._waiting[kind] -= 1
            self._all -= 1

    @contextmanager
    def waiting(self, kind: str, busy: str) -> Iterator[None]:
        """Hold a place while waiting within.

        :param busy: what callers are told when all places are taken.
        :raises Unavailable: all places are taken.
        """
        if not self.try_enter(kind):
            raise Unavailable(busy)
        try:
            yield
        finally:
            self.leave(kind)
