"""A clock that stands still until a test moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def timer(self) -> float:
        """Return the time of a monotonic clock, in seconds."""
        return self.now.timestamp()

    def tick(self, **duration: float) -> None:
        """Let time pass: tick(seconds=5)."""
        self.now += timedelta(**duration)
