"""Checks whether everything that this provider depends on responds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from app.action.error import Unavailable

HEALTH_SECONDS = 5
"""How long a report is reused, so that frequent requests cause little work."""

UNCHECKED = "This is being checked for the first time."


class Health:
    """The health of the dependencies.

    :param timer: a monotonic clock, in seconds.
    :param checks: each returns, or raises Unavailable.
    """

    def __init__(self, timer: Callable[[], float], checks: Mapping[str, Callable[[], None]]) -> None:
        self._timer = timer
        self._checks = dict(checks)
        self._lock = threading.Lock()
        self._report = _report(dict.fromkeys(checks, UNCHECKED))
        self._until = timer()

    def report(self) -> dict[str, Any]:
        """Return `status`, which is `ok` or `failing`, and `checks`, each of which is `ok` or a sentence.

        While one request is checking, others get the last report.
        """
        if self._lock.acquire(blocking=False):
            try:
                if self._timer() >= self._until:
                    self._report = _report({name: _result(check) for name, check in self._checks.items()})
                    self._until = self._timer() + HEALTH_SECONDS
            finally:
                self._lock.release()
        return self._report


def _report(results: dict[str, str]) -> dict[str, Any]:
    return {"status": "ok" if set(results.values()) == {"ok"} else "failing", "checks": results}


def _result(check: Callable[[], None]) -> str:
    try:
        check()
    except Unavailable as error:
        return "; ".join(error.details)
    return "ok"
