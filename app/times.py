"""ISO 8601 durations and RFC 3339 times, read strictly and without surprises."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import isodate

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def parse_duration(text: str, start: datetime) -> timedelta:
    """How long an ISO 8601 duration is that begins at `start`; timedelta.max for what is longer than Python counts.

    :raises ValueError: it is no such duration, or has a fraction of a year or month, which is no definite time.
    """
    try:
        duration = isodate.parse_duration(text)
    except OverflowError:
        return timedelta.max
    if isinstance(duration, timedelta):
        return duration
    if any(part != part.to_integral_value() for part in (duration.years, duration.months)):
        raise ValueError("a fraction of a year or of a month is no definite time")
    try:
        end: datetime = start + duration
    except (ValueError, ArithmeticError):
        return timedelta.max
    return end - start


def parse_time(text: str) -> datetime:
    """The time in UTC that an RFC 3339 date-time (with its offset) names.

    :raises ValueError: it is no such time, or none that Python can count.
    """
    if not _RFC3339.fullmatch(text):
        raise ValueError("no RFC 3339 date-time")
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except OverflowError as error:
        raise ValueError("beyond the calendar") from error
