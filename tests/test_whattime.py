"""The work of this provider: how long it takes, and how it ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from app.settings import SettingsError, load
from app.whattime import WATCHLESS, begin
from app.work import Context, EndsAt, Succeeded

NOW = datetime(2026, 3, 14, 15, 9, 26, 535897, tzinfo=UTC)
SETTINGS = {"MIN_SECONDS": 5, "MAX_SECONDS": 900, "FAILURE_RATE": 0.3}


def begun(random: Random, *, utc_offset: float = 0, **settings: float) -> EndsAt:
    body: dict[str, Any] = {"utc_offset": utc_offset}
    step = begin(body, Context(NOW, random, SETTINGS | settings, caller=None))
    assert isinstance(step, EndsAt)
    return step


def test_durations_and_failures_follow_the_settings() -> None:
    random = Random(1)
    drawn = [begun(random) for _ in range(10_000)]
    durations = [(step.time - NOW) / timedelta(seconds=1) for step in drawn]
    assert 5 <= min(durations) < 10
    assert 895 < max(durations) <= 900
    assert 0.28 < sum(step.end == WATCHLESS for step in drawn) / 10_000 < 0.32


@pytest.mark.parametrize("rate", [0, 1])
def test_all_actions_fail_or_none_if_the_settings_say_so(rate: float) -> None:
    random = Random(1)
    ends = [begun(random, FAILURE_RATE=rate).end for _ in range(1000)]
    assert {end == WATCHLESS for end in ends} == {bool(rate)}


@pytest.mark.parametrize(
    ("utc_offset", "expected"),
    [
        (0, "2026-03-14T15:09:26.535897+00:00"),
        (5.75, "2026-03-14T20:54:26.535897+05:45"),
        (-23.75, "2026-03-13T15:24:26.535897-23:45"),
        (23.75, "2026-03-15T14:54:26.535897+23:45"),
    ],
)
def test_the_time_is_told_at_the_offset(utc_offset: float, expected: str) -> None:
    step = begun(Random(1), utc_offset=utc_offset, FAILURE_RATE=0)
    assert step.end == Succeeded({"whattimeisit": expected})


def test_the_shortest_time_must_not_exceed_the_longest() -> None:
    with pytest.raises(SettingsError, match="WHATTIME_MIN_SECONDS=9 is more than WHATTIME_MAX_SECONDS=8"):
        load({"MIN_SECONDS": 9, "MAX_SECONDS": 8})
