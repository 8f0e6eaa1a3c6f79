"""The business: how long it takes, and what comes of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from globus_action_provider_tools import ActionStatusValue

from app.whattime import WATCHLESS, begin

NOW = datetime(2026, 3, 14, 15, 9, 26, 535897, tzinfo=UTC)
SETTINGS = {"MIN_SECONDS": 5, "MAX_SECONDS": 900, "FAILURE_RATE": 0.3}


def test_durations_and_failures_are_as_the_settings_say() -> None:
    random = Random(1)
    drawn = [begin({"utc_offset": 0}, NOW, SETTINGS, random) for _ in range(10_000)]
    durations = [duration / timedelta(seconds=1) for duration, _ in drawn]
    assert 5 <= min(durations) < 10
    assert 895 < max(durations) <= 900
    assert 0.28 < sum(outcome == WATCHLESS for _, outcome in drawn) / 10_000 < 0.32


@pytest.mark.parametrize("rate", [0, 1])
def test_no_failure_and_nothing_but_failure_can_be_had(rate: float) -> None:
    random = Random(1)
    outcomes = [begin({"utc_offset": 0}, NOW, SETTINGS | {"FAILURE_RATE": rate}, random)[1] for _ in range(1000)]
    assert {outcome.status for outcome in outcomes} == {
        ActionStatusValue.FAILED if rate else ActionStatusValue.SUCCEEDED
    }


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
    _, outcome = begin({"utc_offset": utc_offset}, NOW, SETTINGS | {"FAILURE_RATE": 0}, Random(1))
    assert outcome.details == {"whattimeisit": expected}
