"""Whether all is well that this provider depends on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, cast

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
        self._report: dict[str, Any] | None = None
        self._until = clock()

    def report(self) -> dict[str, Any]:
        """`status`, which is `ok` or `failing`, and `checks`, each of them `ok` or a sentence."""
        if self._lock.acquire(blocking=self._report is None):  # whoever finds it being made anew is told the last one
            try:
                if self._report is None or self._clock() >= self._until:
                    self._report = self._made()
                    self._until = self._clock() + HEALTH_HOLDS
            finally:
                self._lock.release()
        return cast(dict[str, Any], self._report)

    def _made(self) -> dict[str, Any]:
        found = {name: _outcome(check) for name, check in self._checks.items()}
        return {"status": "ok" if set(found.values()) == {"ok"} else "failing", "checks": found}


def _outcome(check: Callable[[], None]) -> str:
    try:
        check()
    except ServiceUnavailable as error:
        return "; ".join(error.details)
    return "ok"
