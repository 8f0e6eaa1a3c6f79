"""Notifications about a run. By default, they do nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any


class Observer:
    """Override the methods of interest. All are called from the thread of the run."""

    def state_started(self, name: str, state: Mapping[str, Any]) -> None:
        """A state started."""

    def state_ended(self, name: str, state: Mapping[str, Any], outcome: str) -> None:
        """A state ended; `outcome` says how, in a few words."""

    def action_polled(self, name: str, document: Mapping[str, Any]) -> None:
        """The status of an action arrived: after its start, and after each poll."""

    def waiting(self, name: str, until: datetime) -> None:
        """A Wait state began."""

    def note(self, text: str) -> None:
        """Something else happened that a person should know."""
