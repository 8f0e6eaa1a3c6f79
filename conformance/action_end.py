"""Waits for actions of the provider under test to end or pause, and cancels those that take too long."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from conformance.documents import COMPLETE
from conformance.errors import Skip

if TYPE_CHECKING:
    from conformance.provider import ProviderUnderTest

Document = dict[str, Any]

PAUSED_LOOKS = 3
"""How many times to look at an action that stays INACTIVE after a resume before giving up."""

PAUSE_SECONDS = 10
"""How long to wait for an action to become INACTIVE, if another one did."""


class ActionEnd:
    """Waits for actions to end.

    :param wait_seconds: how long to wait, for all actions together.
    """

    def __init__(self, provider: ProviderUnderTest, wait_seconds: float, say: Callable[[str], None]) -> None:
        self.ran_out_of_time = False
        self._provider = provider
        self._say = say
        self._wait_seconds = wait_seconds
        self._seconds_left = wait_seconds
        self._ends = True

    def of(self, action: Document, *, hurry: bool = False) -> Document:
        """Return the status of the action once it is complete. Cancel it if that takes too long.

        A paused action is resumed.

        :param hurry: cancel it at once.
        :raises Skip: it does not end in the remaining time.
        """
        if action["status"] in COMPLETE:
            return action
        if hurry:
            self._provider.creator.cancel(action["action_id"])
        end = self._wait(action["action_id"], self._seconds_left if self._ends else 0)
        if end is None:
            self.ran_out_of_time = self.ran_out_of_time or not hurry
            self._provider.creator.cancel(action["action_id"])
            end = self._wait(action["action_id"], 2 if self._ends else 0)
        self._ends = end is not None
        if end is None:
            raise Skip(f"no action ended within {self._wait_seconds:g} s: raise --timeout")
        return end

    def _wait(self, action_id: str, seconds: float) -> Document | None:
        """Poll the status until the action is complete; the time counts against the total."""
        began, pause, paused_looks = time.monotonic(), 0.05, 0
        while True:
            document = self._provider.action_of(self._provider.creator.status(action_id))
            spent = time.monotonic() - began
            is_paused = document["status"] == "INACTIVE"
            paused_looks += is_paused
            if document["status"] in COMPLETE or spent + pause > seconds or paused_looks > PAUSED_LOOKS:
                self._seconds_left = max(0, self._seconds_left - spent)
                return document if document["status"] in COMPLETE else None
            if is_paused and paused_looks == 1:
                self._provider.creator.resume(action_id)
            if spent > 2:
                self._say(f"waiting for an action to end, at most {seconds - spent:.0f} s …")
            self._provider.sleep(pause)
            pause = min(2, pause * 1.5)

    def start_inactive(self, **fields: Any) -> Document:
        """Start an action and wait until it is INACTIVE.

        :raises Skip: no action of this provider was INACTIVE so far, or this one does not become so soon.
        """
        responses = self._provider.transport.responses
        if not any(response.object.get("status") == "INACTIVE" for response in responses):
            raise Skip("no action of this provider was INACTIVE")
        action = self._provider.start(**fields)
        began, pause = time.monotonic(), 0.05
        while action["status"] == "ACTIVE" and time.monotonic() - began < PAUSE_SECONDS:
            self._provider.sleep(pause)
            pause = min(2, pause * 1.5)
            action = self._provider.action_of(self._provider.creator.status(action["action_id"]))
        if action["status"] != "INACTIVE":
            raise Skip(f"the action is {action['status']}, although others of this provider were INACTIVE")
        return action
