"""How long to wait before repeating a request that a rate limit refused."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from conformance.errors import RateLimited
from conformance.response import Response

LONGEST_PAUSE_SECONDS = 120
"""A longer Retry-After ends the run."""

TOTAL_SECONDS = 900
"""How long a whole run waits because of rate limits."""

ATTEMPTS = 8
UNAVAILABLE_ATTEMPTS = 3
"""How many times a request is sent if the response is 429, or 503 with Retry-After."""


def is_throttled(response: Response) -> bool:
    """Return whether the provider asks to repeat the request later: 429, or 503 with Retry-After."""
    return response.code == 429 or (response.code == 503 and "Retry-After" in response.headers)


def retry_after(response: Response) -> float | None:
    """Return the seconds in Retry-After (RFC 9110, section 10.2.3: a number or a date), or None without a valid one."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        until = parsedate_to_datetime(text)
        sent = parsedate_to_datetime(response.headers["Date"]) if "Date" in response.headers else datetime.now(UTC)
        return max(0.0, (until - sent).total_seconds())
    except (TypeError, ValueError):
        return None


class RateLimit:
    """Waits as long as the provider asks for, within limits.

    :param say: receives a line of progress before each longer pause.
    """

    def __init__(self, *, say: Callable[[str], None], sleep: Callable[[float], None] = time.sleep) -> None:
        self.was_seen = False
        self._say = say
        self._sleep = sleep
        self._seconds_left: float = TOTAL_SECONDS

    def wait(self, response: Response, attempt: int) -> bool:
        """Wait before sending the request again; return False to accept the response as it is.

        :param attempt: how often the request has been sent, from 1.
        :raises RateLimited: the provider asks for too long a pause, or the request was sent often enough.
        """
        if response.code == 503 and attempt >= UNAVAILABLE_ATTEMPTS:
            return False
        self.was_seen = self.was_seen or response.code == 429
        asked, own = retry_after(response), float(2 ** (attempt - 1))
        pause = own if asked is None else asked if attempt <= 3 else max(asked, own)
        if attempt >= ATTEMPTS or pause > min(LONGEST_PAUSE_SECONDS, self._seconds_left):
            raise RateLimited(f"the provider limits the rate of requests: {response} (Retry-After: {asked})")
        if pause > 2:
            self._say(f"the provider limits the rate of requests ({response.code}): waiting {pause:.0f} s …")
        self._seconds_left -= pause
        self._sleep(pause)
        return True
