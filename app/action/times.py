"""Parses ISO 8601 durations and RFC 3339 times strictly."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import isodate

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def parse_duration(text: str, start: datetime) -> timedelta:
    """Return the length of an ISO 8601 duration that begins at `start`; timedelta.max if it overflows.

    :raises ValueError: it is not an ISO 8601 duration, or has a fraction of a year or month, whose length is undefined.
    """
    try:
        duration = isodate.parse_duration(text)
    except OverflowError:
        return timedelta.max
    if isinstance(duration, timedelta):
        return duration
    if any(part != part.to_integral_value() for part in (duration.years, duration.months)):
        raise ValueError("a fraction of a year or month has no definite length")
    try:
        end: datetime = start + duration
    except (ValueError, ArithmeticError):
        return timedelta.max
    return end - start


def parse_time(text: str) -> datetime:
    """Return an RFC 3339 date-time, which has an offset, in UTC.

    :raises ValueError: it is not an RFC 3339 date-time, or Python cannot represent it.
    """
    if not _RFC3339.fullmatch(text):
        raise ValueError("not an RFC 3339 date-time")
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except OverflowError as error:
        raise ValueError("the time is out of range") from error
