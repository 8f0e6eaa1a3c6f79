"""Limits how many threads of a worker wait for something slow, so that other callers are always served."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from app.action.error import Unavailable

WAITERS = 8
"""How many threads may wait for one kind of thing (Globus Auth, Groups, a body, a hook) at a time."""

THREADS = 40
"""How many threads a worker has by default."""

SPARE = 4
"""How many threads brief waits leave free at least."""

BRIEF_SECONDS = 0.5
"""How long a brief wait may take."""

OWNER_WAITERS = 4
"""How many of a kind's places one caller may hold."""

BRIEF = "brief"


class Limiter:
    """Counts waiting threads by kind, from the first moment.

    A burst of quick requests may need more places than a kind has, and does no harm. So a thread that finds no place
    may wait briefly, as long as SPARE threads are left.

    :param threads: how many threads the worker has. All waiters together are fewer.
    """

    def __init__(self, threads: int = THREADS, waiters: int = WAITERS) -> None:
        self._total = max(1, threads - 1)
        self._brief_total = max(1, threads - SPARE)
        self._waiters = waiters
        self._lock = threading.Lock()
        self._left = threading.Condition(self._lock)
        self._waiting: Counter[str] = Counter()
        self._owners: Counter[tuple[str, str]] = Counter()
        self._all = 0

    def try_enter(self, kind: str) -> bool:
        """Take a place for a waiter of this kind without waiting. Return False if there is none."""
        with self._lock:
            return self._has_place(kind) and self._take(kind)

    def leave(self, kind: str) -> None:
        """Give the place back."""
        with self._lock:
            self._give_back(kind)

    @contextmanager
    def waiting(self, kind: str, busy: str, *, seconds: float, brief: bool = True) -> Iterator[float]:
        """Hold a place while waiting within. Yield how long to wait at most, in seconds.

        :param busy: what callers are told if there is no place.
        :param seconds: how long a wait of this kind may take.
        :param brief: whether to wait up to BRIEF_SECONDS if all places of this kind are taken.
        :raises Unavailable: there is no place.
        """
        if not self.try_enter(kind):
            if not brief or not self._try_enter_briefly():
                raise Unavailable(busy)
            kind, seconds = BRIEF, min(seconds, BRIEF_SECONDS)
        try:
            yield seconds
        finally:
            self.leave(kind)

    @contextmanager
    def holding(self, kind: str, busy: str, *, owner: str) -> Iterator[None]:
        """Hold one of the places of this kind within; wait for it up to BRIEF_SECONDS.

        :param owner: the caller, who may hold OWNER_WAITERS places.
        :raises Unavailable: there is no place.
        """
        key = (kind, owner)
        if not self._enter_as(key, 0) and not (self._try_enter_briefly() and self._enter_in_time(key)):
            raise Unavailable(busy)
        try:
            yield
        finally:
            with self._left:
                self._give_back(kind)
                self._owners[key] -= 1
                if not self._owners[key]:
                    del self._owners[key]
                self._left.notify_all()

    def _enter_in_time(self, key: tuple[str, str]) -> bool:
        try:
            return self._enter_as(key, BRIEF_SECONDS)
        finally:
            self.leave(BRIEF)

    def _enter_as(self, key: tuple[str, str], seconds: float) -> bool:
        kind, _ = key

        def has_place() -> bool:
            return self._has_place(kind) and self._owners[key] < OWNER_WAITERS

        with self._left:
            if not (self._left.wait_for(has_place, seconds) if seconds else has_place()):
                return False
            self._owners[key] += 1
            return self._take(kind)

    def _try_enter_briefly(self) -> bool:
        with self._lock:
            return self._all < self._brief_total and self._take(BRIEF)

    def _has_place(self, kind: str) -> bool:
        return self._waiting[kind] < self._waiters and self._all < self._total

    def _take(self, kind: str) -> bool:
        self._waiting[kind] += 1
        self._all += 1
        return True

    def _give_back(self, kind: str) -> None:
        self._waiting[kind] -= 1
        self._all -= 1
