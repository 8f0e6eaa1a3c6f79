"""Stop a run that loops forever."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from .clock import Clock
from .errors import LIMIT, FlowError
from .schema import LONGEST_WAIT_SECONDS

MOST_VISITS_AT_ONCE = 10_000
LONGEST_SECONDS_AT_ONCE = 5.0
"""How many states may be entered, and how much CPU time they may take, while the run's clock stands still."""


class Visits:
    """Counts the states that a run enters.

    :param most_visits: how many there may be in all.
    :param started: when the run started.
    """

    def __init__(self, clock: Clock, most_visits: int, started: datetime) -> None:
        self._clock = clock
        self._most_visits = most_visits
        self._end = started + timedelta(seconds=LONGEST_WAIT_SECONDS)
        self._restart()

    def _restart(self) -> None:
        self._last, self._since, self._visits = self._clock.now(), time.thread_time(), 0

    def count(self, visit: int) -> None:
        """Raise FlowError if the run has entered too many states, or takes longer than a year."""
        now = self._clock.now()
        if visit >= self._most_visits:
            raise FlowError(LIMIT, f"The run has entered {self._most_visits:,} states: is it in an endless loop?")
        if now > self._end:
            raise FlowError(LIMIT, "The run takes longer than a year.")
        self._visits += 1
        if (now - self._last).total_seconds() > 0.1 * self._visits:
            self._restart()
        seconds = time.thread_time() - self._since
        if self._visits > MOST_VISITS_AT_ONCE or (self._visits > 3 and seconds > LONGEST_SECONDS_AT_ONCE):
            cause = f"{self._visits:,} states were entered without a pause: a loop needs a Wait or an Action."
            raise FlowError(LIMIT, cause)
