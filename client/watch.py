"""Watching an action at the terminal: one live line, or a line for each change where nothing can be redrawn."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import globus_sdk

from .action_client import ActionClient
from .polling import Look, estimated_completion, read_time
from .talk import Talk, one_line
from .trace import reason

TICK_SECONDS = 0.1
BAR_WIDTH = 20


def watch(client: ActionClient, action_id: str, talk: Talk, *, patience_seconds: float, resume: str) -> dict[str, Any]:
    """The status of the action once it is complete.

    :param resume: what to type so that an INACTIVE action goes on.
    """
    show = Show(talk, resume)
    with talk.live_line():
        for look in client.follow(action_id, patience_seconds=patience_seconds, sleep=show.sleep):
            show.look(look)
    talk.say(f"{show.document['status']} after {span(show.elapsed)}.", fg=colour(show.document))
    return show.document


class Show:
    """What a watcher sees."""

    def __init__(self, talk: Talk, resume: str) -> None:
        self.talk = talk
        self.resume = resume
        self.began = datetime.now(UTC)
        self.document: dict[str, Any] = {}
        self.trouble = ""

    @property
    def elapsed(self) -> timedelta:
        """How long the action has been under way; once it is complete, how long it took."""
        end = read_time(self.document.get("completion_time")) or datetime.now(UTC)
        return max(end - (read_time(self.document.get("start_time")) or self.began), timedelta())

    def look(self, look: Look) -> None:
        before = (self.document.get("status"), self.trouble)
        self.trouble = "" if look.trouble is None else in_short(look.trouble)
        if look.document is not None:
            self.document = look.document
        after = (self.document.get("status"), self.trouble)
        if after == before:
            return
        if self.trouble and not self.talk.has_terminal:
            self.talk.say(f"{self.trouble}; trying again …")
        elif not look.is_complete and not self.talk.has_terminal:
            self.talk.say(f"{after[0]} …")
        if after[0] == "INACTIVE" != before[0]:
            self.talk.say(f"The action waits: {why(self.document)}. So that it goes on, elsewhere: {self.resume}")

    def sleep(self, seconds: float) -> None:
        """Wait, while the line goes on telling the time."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not self.talk.has_terminal:
                time.sleep(left)
                return
            self.talk.live(self.line())
            time.sleep(min(left, TICK_SECONDS))

    def line(self) -> str:
        parts = [str(self.document.get("status", "")), span(self.elapsed)]
        parts += [self.progress(), f"({self.trouble}; trying again)" if self.trouble else ""]
        return "  ".join(filter(None, parts))

    def progress(self) -> str:
        """How far it is, where the provider expects an end."""
        expected, start = estimated_completion(self.document), read_time(self.document.get("start_time"))
        if expected is None or start is None or expected <= start:
            return ""
        left = expected - start - self.elapsed
        if left <= timedelta():
            return f"[{'#' * BAR_WIDTH}] later than expected" if left < timedelta(seconds=-2) else ""
        rounded_up = timedelta(seconds=math.ceil(left.total_seconds()))
        share = self.elapsed / (expected - start)
        return f"[{'#' * int(share * BAR_WIDTH):<{BAR_WIDTH}}] {share:>4.0%}, about {span(rounded_up)} left"


def in_short(error: Exception) -> str:
    """What came in between, in a few words."""
    if isinstance(error, globus_sdk.NetworkError):
        return reason(error.underlying_exception)
    if isinstance(error, globus_sdk.GlobusAPIError):
        return one_line(f"{error.http_status} {error.http_reason}")
    return str(error).rstrip(".")


def why(document: Mapping[str, Any]) -> str:
    """What an INACTIVE action says that it waits for."""
    found = document.get("details")
    details = found if isinstance(found, dict) else {}
    told = details.get("description") or document.get("display_status")
    words = [str(told).rstrip(".")] if told and told != "INACTIVE" else []
    words += [f"({details['code']})"] if details.get("code") else []
    return one_line(" ".join(words)) or "it does not say for what"


def colour(document: Mapping[str, Any]) -> str | None:
    return {"SUCCEEDED": "green", "FAILED": "red"}.get(str(document.get("status")))


def span(length: timedelta) -> str:
    """A time span, as 0:07, 12:30 or 1:02:03."""
    minutes, seconds = divmod(int(length.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
