"""Waits for real processes, and calls real providers."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


def until(condition: Callable[[], T], what: str, seconds: float = 60) -> T:
    """Return the first true value that `condition` returns.

    :param what: what is waited for, for the message of the AssertionError that is raised after `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.02)
    return found


def is_running(pid: int) -> bool:
    """Return whether the process exists and is not a zombie."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def call(url: str, document: Any = None) -> Any:
    """Return the response of a provider in local mode to Alice: to a POST of `document`, or to a GET."""
    data = None if document is None else json.dumps(document).encode()
    request = urllib.request.Request(url, data, {"Authorization": "Bearer local-token-alice"})
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)
