"""Pages of a log: which part of it a request asks for, and what says where the next one begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.error import InvalidRequest, shorten

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000


def log_page(entries: Sequence[Mapping[str, Any]], arguments: Mapping[str, str]) -> dict[str, Any]:
    """The part of `entries` (oldest first) that a query asks for, of the toolkit's `ActionLogReturn` form.

    :param arguments: `limit` entries a page, oldest first or in `reverse_order`, from `marker` on (`pagination_token`
        means the same).
    :raises InvalidRequest: one of them makes no sense.
    """
    limit = whole(arguments, "limit", default=DEFAULT_LIMIT, low=1, high=MAX_LIMIT)
    marker = "marker" if "marker" in arguments else "pagination_token"
    begin = whole(arguments, marker, default=0, low=0, high=len(entries))
    ordered = entries[::-1] if _flag(arguments, "reverse_order") else entries
    end = begin + limit
    has_next_page = end < len(ordered)
    return {
        "limit": limit,
        "has_next_page": has_next_page,
        "marker": str(end) if has_next_page else None,
        "entries": ordered[begin:end],
    }


def whole(arguments: Mapping[str, str], name: str, *, default: int, low: int, high: int) -> int:
    """The whole number that a query argument is.

    :raises InvalidRequest: it is none, or not from `low` to `high`.
    """
    text = arguments.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and len(text) < 10 and low <= int(text) <= high):
        raise InvalidRequest(f"{name}: {shorten(text)} is not a whole number from {low} to {high}")
    return int(text)


def _flag(arguments: Mapping[str, str], name: str) -> bool:
    text = arguments.get(name, "").lower()
    if text not in ("", "true", "false", "1", "0"):
        raise InvalidRequest(f"{name}: {shorten(text)} is neither true nor false")
    return text in ("true", "1")
