"""Pages: which part of a list a request asks for, and what says where the next one begins."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from globus_action_provider_tools import ActionStatusValue

from app.action import Action
from app.database import ROLES, Query, place
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


def list_query(arguments: Mapping[str, str], principals: frozenset[str]) -> Query:
    """The query that the arguments of an enumeration are; it asks for one action more than a page holds.

    :param arguments: `status` and `roles`, each with one or more values between commas, in any case; `limit`, `marker`.
    :raises InvalidRequest: one of them makes no sense.
    """
    return Query(
        principals=principals,
        roles=frozenset(_choices(arguments, "roles", default="creator_id", among=ROLES)),
        statuses=frozenset(map(ActionStatusValue, _choices(arguments, "status", "ACTIVE", tuple(ActionStatusValue)))),
        limit=whole(arguments, "limit", default=DEFAULT_LIMIT, low=1, high=MAX_LIMIT) + 1,
        after=_place(arguments["marker"]) if arguments.get("marker") else None,
    )


def next_page(path: str, arguments: Mapping[str, str], last: Action) -> str:
    """The Link header (RFC 8288) that leads from the page that ends with `last` to the next one.

    It has no host: behind a proxy, the one that we see may not be the one that the caller has asked.
    """
    return f'<{path}?{urlencode({**arguments, "marker": _marker(last)})}>; rel="next"'


def _marker(action: Action) -> str:
    time, action_id = place(action)
    return base64.urlsafe_b64encode(f"{time.isoformat()} {action_id}".encode()).decode().rstrip("=")


def _place(marker: str) -> tuple[datetime, str]:
    try:
        time, _, action_id = base64.urlsafe_b64decode(marker + "=" * (-len(marker) % 4)).decode("ascii").partition(" ")
        start_time = datetime.fromisoformat(time)
        if start_time.tzinfo is None or not 2000 < start_time.year < 9999:
            raise ValueError
        return start_time, str(uuid.UUID(action_id))
    except ValueError as error:
        raise InvalidRequest(f"marker: {shorten(marker)} is not one that a Link header has given") from error


def _choices(arguments: Mapping[str, str], name: str, default: str, among: Collection[str]) -> list[str]:
    by_word = {word.casefold(): word for word in among}
    words = [word.strip() for word in (arguments.get(name) or default).split(",")]
    for word in words:
        if word.casefold() not in by_word:
            raise InvalidRequest(f"{name}: {shorten(word)} is none of {', '.join(by_word)}")
    return [by_word[word.casefold()] for word in words]


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
