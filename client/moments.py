"""Read deadlines and durations as people type them: 2h, 1d12h, P1D, or an absolute time."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import click
import isodate

_SHORT = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", re.IGNORECASE)


def deadline(_ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Return --deadline as an RFC 3339 time. A time in that form is returned unchanged."""
    try:
        return None if value is None else absolute(value, datetime.now(UTC))
    except ValueError as error:
        raise click.BadParameter(
            f"{value!r} is not a time: give 2h, 1d12h, P1D, or a time with an offset.", param=param
        ) from error


def duration(_ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Return --release-after as an ISO 8601 duration."""
    try:
        return None if value is None else iso_duration(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not a duration: give 12h, 7d, or P7D.", param=param) from error


def absolute(text: str, now: datetime) -> str:
    """Return the deadline that `text` means.

    :param text: a duration from now (see `iso_duration`), or a time, which starts with its year.
    :raises ValueError: it is neither, or too far ahead for a date.
    """
    text = text.strip()
    if re.match(r"\d{4}-", text):
        return text
    try:
        moment: datetime = now + isodate.parse_duration(iso_duration(text))
    except OverflowError as error:
        raise ValueError(text) from error
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def iso_duration(text: str) -> str:
    """Return a duration in ISO 8601.

    :param text: a duration in that form, or like 1w2d3h4m5s, where all parts but one are optional.
    :raises ValueError: it is neither.
    """
    text = text.strip()
    short = _SHORT.fullmatch(text)
    if text and short is not None:
        weeks, days, *time = (int(number or 0) for number in short.groups())
        clock = "".join(f"{number}{unit}" for number, unit in zip(time, "HMS", strict=True) if number)
        return f"P{weeks * 7 + days}D" + (f"T{clock}" if clock else "")
    if not re.match(r"[Pp]", text):
        raise ValueError(text)
    isodate.parse_duration(text.upper())
    return text.upper()
