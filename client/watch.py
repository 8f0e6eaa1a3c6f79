"""Show an action's progress at the terminal: one live line, or a line for each change where nothing can be redrawn."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import globus_sdk

from .action_client import ActionClient
from .console import Console, one_line
from .polling import PollResult, estimated_completion, read_time
from .reporting import reason
from .waiting import INACTIVE, reason_in_words

TICK_SECONDS = 0.1
BAR_WIDTH = 20


def watch(
    client: ActionClient,
    action_id: str,
    console: Console,
    *,
    patience_seconds: float,
    resume: str,
    stop: Callable[[Mapping[str, Any]], bool],
) -> dict[str, Any]:
    """Return the status of the action once it is complete, or once it is INACTIVE and `stop` says so.

    :param resume: the command that resumes the action if it is INACTIVE.
    :param stop: decides whether to stop watching an INACTIVE action.
    """
    display = ProgressDisplay(console, resume)
    with console.live_line():
        for result in client.follow(action_id, patience_seconds=patience_seconds, sleep=display.sleep):
            if result.document is not None and result.document["status"] == INACTIVE and stop(result.document):
                return result.document
            display.update(result)
    console.say(f"{display.document['status']} after {span(display.elapsed)}.", fg=color(display.document))
    return display.document


class ProgressDisplay:
    """What a person sees while an action is being watched."""

    def __init__(self, console: Console, resume: str) -> None:
        self.console = console
        self.resume = resume
        self.began = datetime.now(UTC)
        self.document: dict[str, Any] = {}
        self.trouble = ""

    @property
    def elapsed(self) -> timedelta:
        """How long the action has been running, or how long it took."""
        end = read_time(self.document.get("completion_time")) or datetime.now(UTC)
        return max(end - (read_time(self.document.get("start_time")) or self.began), timedelta())

    def update(self, result: PollResult) -> None:
        """Show what has changed since the last result."""
        before = (self.document.get("status"), self.trouble)
        self.trouble = "" if result.trouble is None else in_short(result.trouble)
        if result.document is not None:
            self.document = result.document
        after = (self.document.get("status"), self.trouble)
        if after == before:
            return
        if self.trouble and not self.console.has_terminal:
            self.console.say(f"{self.trouble}; trying again …")
        elif not result.is_complete and not self.console.has_terminal:
            self.console.say(f"{after[0]} …")
        if after[0] == INACTIVE != before[0]:
            self.console.say(f"The action is waiting: {reason_in_words(self.document)}. To resume it: {self.resume}")

    def sleep(self, seconds: float) -> None:
        """Sleep, and redraw the live line meanwhile."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not self.console.has_terminal:
                time.sleep(left)
                return
            self.console.live(self.line())
            time.sleep(min(left, TICK_SECONDS))

    def line(self) -> str:
        parts = [str(self.document.get("status", "")), span(self.elapsed)]
        parts += [self.progress(), f"({self.trouble}; trying again)" if self.trouble else ""]
        return "  ".join(filter(None, parts))

    def progress(self) -> str:
        """Return a progress bar, if the provider estimates a completion time; else an empty string."""
        expected, start = estimated_completion(self.document), read_time(self.document.get("start_time"))
        if expected is None or start is None or expected <= start:
            return ""
        left = expected - start - self.elapsed
        if left <= timedelta():
            return f"[{'#' * BAR_WIDTH}] later than expected" if left < timedelta(seconds=-2) else ""
        rounded_up = timedelta(seconds=math.ceil(left.total_seconds()))
        share = self.elapsed / (expected - start)
        percent = math.floor(100 * share)
        return f"[{'#' * int(share * BAR_WIDTH):<{BAR_WIDTH}}] {percent:>3}%, about {span(rounded_up)} left"


def in_short(error: Exception) -> str:
    """Return an error in a few words."""
    if isinstance(error, globus_sdk.NetworkError):
        return reason(error.underlying_exception)
    if isinstance(error, globus_sdk.GlobusAPIError):
        return one_line(f"{error.http_status} {error.http_reason}")
    return str(error).rstrip(".")


def color(document: Mapping[str, Any]) -> str | None:
    return {"SUCCEEDED": "green", "FAILED": "red"}.get(str(document.get("status")))


def span(length: timedelta) -> str:
    """Return a time span as 0:07, 12:30 or 1:02:03."""
    minutes, seconds = divmod(int(length.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
