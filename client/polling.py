"""Poll an action until it is complete: when to poll next, and how long to tolerate errors."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from globus_sdk import GlobusAPIError, GlobusHTTPResponse, NetworkError

COMPLETE = ("SUCCEEDED", "FAILED")
STATUS_WORDS = ("ACTIVE", "INACTIVE", *COMPLETE)

PATIENCE_SECONDS = 120.0
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
GROWTH = 1.4
LONGEST_RETRY_AFTER_SECONDS = 3600.0


class BadResponse(Exception):
    """Raised when a response does not follow the Action Provider interface."""


@dataclass(frozen=True)
class PollResult:
    """The result of polling an action once: its status document, or the error that prevented it."""

    document: dict[str, Any] | None = None
    trouble: Exception | None = None
    retry_after: float | None = None

    @property
    def is_complete(self) -> bool:
        return self.document is not None and self.document["status"] in COMPLETE


def follow(
    ask: Callable[[], GlobusHTTPResponse],
    *,
    patience_seconds: float = PATIENCE_SECONDS,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Iterator[PollResult]:
    """Poll an action until it is complete: less and less often, but soon after its estimated completion time.

    Responses of 429 and 5xx, broken connections, and responses that are not a status count as trouble and are retried.
    `Retry-After` is honored, but no pause is longer than the patience (or, without trouble, 30 seconds).

    :param ask: gets its status once.
    :param patience_seconds: how long trouble may last before it is raised.
    :raises GlobusAPIError: any other error, at once; or 429 and 5xx for longer than `patience_seconds`.
    :raises NetworkError: no response for longer than that.
    :raises BadResponse: no status of an action for longer than that.
    """
    pause, last_status = FIRST_PAUSE_SECONDS, clock()
    while True:
        result = _poll(ask, now)
        yield result
        if result.is_complete:
            return
        if result.trouble is None:
            last_status = clock()
        left = last_status + patience_seconds - clock()
        if result.trouble is not None and left <= 0:
            raise result.trouble
        if result.retry_after is not None:
            sleep(min(result.retry_after, left if result.trouble is not None else max(left, LONGEST_PAUSE_SECONDS)))
            continue
        wait, pause = _pauses(result, pause, now())
        sleep(wait if result.trouble is None else min(wait, left))


def _poll(ask: Callable[[], GlobusHTTPResponse], now: Callable[[], datetime]) -> PollResult:
    try:
        response = ask()
    except GlobusAPIError as error:
        if error.http_status != 429 and error.http_status < 500:
            raise
        return PollResult(trouble=error, retry_after=_retry_after(error.headers.get("Retry-After"), now()))
    except (NetworkError, BadResponse) as error:
        return PollResult(trouble=error)
    document = response.data
    if not isinstance(document, dict) or document.get("status") not in STATUS_WORDS:
        return PollResult(trouble=BadResponse("The provider's response is not the status of an action."))
    return PollResult(document, retry_after=_retry_after(response.headers.get("Retry-After"), now()))


def _pauses(result: PollResult, pause: float, now: datetime) -> tuple[float, float]:
    """Return the next pause and the one after it. The next one ends no later than the estimated completion time."""
    expected = estimated_completion(result.document) if result.document else None
    left = (expected - now).total_seconds() + 0.1 if expected else 0.0
    if 0 < left < pause:
        return left, FIRST_PAUSE_SECONDS
    return pause, min(pause * GROWTH, LONGEST_PAUSE_SECONDS)


def _retry_after(header: str | None, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for, as a number or as a date (RFC 9110, 10.2.3)."""
    if not header:
        return None
    try:
        seconds = float(header) if header.strip().isdigit() else (_http_date(header) - now).total_seconds()
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_SECONDS) or None


def _http_date(text: str) -> datetime:
    date = parsedate_to_datetime(text)
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def estimated_completion(document: dict[str, Any]) -> datetime | None:
    """Return the estimated completion time, if the provider states one."""
    details = document.get("details")
    within = details.get("estimated_completion_time") if isinstance(details, dict) else None
    return read_time(within or document.get("estimated_completion_time"))


def read_time(value: Any) -> datetime | None:
    """Return an ISO 8601 time in UTC; None if it is not one. A time without an offset is taken as UTC."""
    try:
        time_read = datetime.fromisoformat(value)
        return time_read.astimezone(UTC) if time_read.tzinfo else time_read.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        return None
