"""Keeps the short codes of unfinished logins in memory."""

from __future__ import annotations

import secrets
import string
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from cachetools import TTLCache

CODE_SECONDS = 600
MAX_PENDING = 1000
ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True)
class PendingLogin:
    """A login whose code has not yet been exchanged for tokens."""

    identity: str
    client_id: str
    redirect_uri: str
    scope: str
    code_challenge: str
    code_challenge_method: str
    access_type: str


class Codes:
    """Issues codes of 20 characters that work once and for 10 minutes. Only the newest 1,000 are kept.

    :param clock: returns the time in seconds; only differences count.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._pending: TTLCache[str, PendingLogin] = TTLCache(MAX_PENDING, CODE_SECONDS, clock)
        self._lock = Lock()

    def issue(self, login: PendingLogin) -> str:
        """Return a new code for this login."""
        code = "".join(secrets.choice(ALPHABET) for _ in range(20))
        with self._lock:
            self._pending[code] = login
        return code

    def get(self, code: str) -> PendingLogin | None:
        """Return the login of a code; None if the code is unknown, used, or too old."""
        with self._lock:
            return self._pending.get(code)

    def use(self, code: str) -> bool:
        """Use a code; return False if it was already used."""
        with self._lock:
            return self._pending.pop(code, None) is not None
