"""Whether all is well that this provider depends on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from app.error import ServiceUnavailable

HEALTH_HOLDS = timedelta(seconds=5)
"""How long a report is repeated: however often it is asked for, it makes little work."""


class Health:
    """Whether all answers that this provider depends on.

    :param checks: each does nothing, or raises ServiceUnavailable.
    """

    def __init__(self, clock: Callable[[], datetime], checks: Mapping[str, Callable[[], None]]) -> None:
        self._clock = clock
        self._checks = checks
        self._lock = threading.Lock()
        self._report = _report(dict.fromkeys(checks, "This is being looked at for the first time."))
        self._until = clock()

    def report(self) -> dict[str, Any]:
        """`status`, which is `ok` or `failing`, and `checks`, each of them `ok` or a sentence."""
        if self._lock.acquire(blocking=False):  # whoever finds it being made anew is told the last one
            try:
                if self._clock() >= self._until:
                    self._report = _report({name: _outcome(check) for name, check in self._checks.items()})
                    self._until = self._clock() + HEALTH_HOLDS
            finally:
                self._lock.release()
        return self._report


def _report(found: dict[str, str]) -> dict[str, Any]:
    return {"status": "ok" if set(found.values()) == {"ok"} else "failing", "checks": found}


def _outcome(check: Callable[[], None]) -> str:
    try:
        check()
    except ServiceUnavailable as error:
        return "; ".join(error.details)
    return "ok"
