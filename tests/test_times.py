"""Strict parsing of durations and times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.action.record import duration_isoformat
from app.action.times import parse_duration, parse_time

START = datetime(2026, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("P1D", timedelta(days=1)),
        ("P2W", timedelta(weeks=2)),
        ("P1Y", timedelta(days=365)),
        ("P1M", timedelta(days=28)),
        ("PT0.5S", timedelta(seconds=0.5)),
        ("P1Y2M3W4DT5H6M7S", datetime(2027, 3, 31, tzinfo=UTC) - START + timedelta(25, 18367)),
        ("P9999Y", timedelta.max),
        ("P" + "9" * 400 + "D", timedelta.max),
        ("P" + "9" * 400 + "Y", timedelta.max),
    ],
)
def test_a_duration_is_counted_from_its_start(text: str, expected: timedelta) -> None:
    assert parse_duration(text, START) == expected


@pytest.mark.parametrize("text", ["", "P", "1D", "P0.5Y", "P1.5M", "P1S"])
def test_text_that_is_not_a_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # any will do
        parse_duration(text, START)


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=36525)))
def test_a_duration_that_is_shown_means_the_same(duration: timedelta) -> None:
    assert abs(parse_duration(duration_isoformat(duration), START) - duration) <= timedelta(microseconds=1)


def test_a_time_is_read_in_its_offset() -> None:
    expected = datetime(2026, 1, 31, 11, 30, tzinfo=UTC)
    for text in ("2026-01-31T12:30:00+01:00", "2026-01-31t11:30:00z", "2026-01-31T11:30:00.000Z"):
        assert parse_time(text) == expected
