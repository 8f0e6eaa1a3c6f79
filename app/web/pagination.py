"""Pagination: parses which part of a list is requested, and links to the next page."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from app.action.error import InvalidRequest, shorten
from app.action.record import Status
from app.action.store import ROLES, Place, Query

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000


def log_page(entries: Sequence[Mapping[str, Any]], arguments: Mapping[str, str]) -> dict[str, Any]:
    """Return the page of a log that a query asks for, in the toolkit's `ActionLogReturn` form.

    :param entries: the whole log, oldest first.
    :param arguments: `limit` entries per page, oldest first or in `reverse_order`, starting at `marker`
        (`pagination_token` means the same).
    :raises InvalidRequest: an argument is invalid.
    """
    limit = whole_number(arguments, "limit", default=DEFAULT_LIMIT, low=1, high=MAX_LIMIT)
    marker = "marker" if "marker" in arguments else "pagination_token"
    begin = whole_number(arguments, marker, default=0, low=0, high=len(entries))
    ordered = entries[::-1] if _flag(arguments, "reverse_order") else entries
    end = begin + limit
    has_next_page = end < len(ordered)
    return {
        "limit": limit,
        "has_next_page": has_next_page,
        "marker": str(end) if has_next_page else None,
        "entries": ordered[begin:end],
    }


def list_query(arguments: Mapping[str, str], principals: frozenset[str]) -> Query:
    """Parse the arguments of an enumeration.

    :param arguments: `status` and `roles`, each a comma-separated list in any case; `limit`; `marker`.
    :raises InvalidRequest: an argument is invalid.
    """
    return Query(
        principals=principals,
        roles=frozenset(_choices(arguments, "roles", default="creator_id", among=ROLES)),
        statuses=frozenset(map(Status, _choices(arguments, "status", "ACTIVE", tuple(Status)))),
        limit=whole_number(arguments, "limit", default=DEFAULT_LIMIT, low=1, high=MAX_LIMIT),
        after=_place(arguments["marker"]) if arguments.get("marker") else None,
    )


def next_page(path: str, arguments: Mapping[str, str], last: Place) -> str:
    """Return the Link header (RFC 8288) that leads to the page after the one that ends at `last`.

    It has no host: behind a proxy, the host that we see may not be the one that the caller used.
    """
    return f'<{path}?{urlencode({**arguments, "marker": _marker(last)})}>; rel="next"'


def _marker(place: Place) -> str:
    time, action_id = place
    return base64.urlsafe_b64encode(f"{time.isoformat()} {action_id}".encode()).decode().rstrip("=")


def _place(marker: str) -> Place:
    try:
        time, _, action_id = base64.urlsafe_b64decode(marker + "=" * (-len(marker) % 4)).decode("ascii").partition(" ")
        start_time = datetime.fromisoformat(time)
        if start_time.tzinfo is None or not 2000 < start_time.year < 9999:
            raise ValueError
        return start_time, str(uuid.UUID(action_id))
    except ValueError as error:
        raise InvalidRequest(f"marker: {shorten(marker)} is not a marker from a Link header") from error


def _choices(arguments: Mapping[str, str], name: str, default: str, among: Collection[str]) -> list[str]:
    by_word = {word.casefold(): word for word in among}
    words = [word.strip() for word in (arguments.get(name) or default).split(",")]
    for word in words:
        if word.casefold() not in by_word:
            raise InvalidRequest(f"{name}: {shorten(word)} is not one of {', '.join(by_word)}")
    return [by_word[word.casefold()] for word in words]


def whole_number(arguments: Mapping[str, str], name: str, *, default: int, low: int, high: int) -> int:
    """Return a query argument as a whole number.

    :raises InvalidRequest: it is not a whole number from `low` to `high`.
    """
    text = arguments.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and len(text) < 10 and low <= int(text) <= high):
        raise InvalidRequest(f"{name}: {shorten(text)} is not a whole number from {low} to {high}")
    return int(text)


def _flag(arguments: Mapping[str, str], name: str) -> bool:
    text = arguments.get(name, "").lower()
    if text not in ("", "true", "false", "1", "0"):
        raise InvalidRequest(f"{name}: {shorten(text)} is not true or false")
    return text in ("true", "1")
