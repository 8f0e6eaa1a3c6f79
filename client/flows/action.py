"""The Action state: start an action, poll it until it completes or WaitTime is over, and release it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from .clock import Clock
from .errors import FAILED, TIMEOUT, UNABLE, FlowError, ProviderError
from .observer import Observer
from .providers import Provider
from .run import Position, Recorder

DEFAULT_WAIT_SECONDS = 300
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 600.0
"""The service's backoff doubles up to ten minutes."""
COMPLETE = ("SUCCEEDED", "FAILED")

Consent = Callable[[Mapping[str, Any], Provider], bool]
"""Decides whether to resume an INACTIVE action now."""


@dataclass(frozen=True)
class ActionState:
    """One visit of an Action state.

    :param save: called when the position has changed.
    :param set_status: called with the new status of the run.
    :param keep: do not release the action.
    """

    position: Position
    state: Mapping[str, Any]
    provider: Provider
    clock: Clock
    observer: Observer
    recorder: Recorder
    save: Callable[[], None]
    set_status: Callable[[str], None]
    consent: Consent | None = None
    keep: bool = False

    def execute(self, body: Any) -> dict[str, Any]:
        """Return the last status document of the action, with the name of the state.

        :raises FlowError: the provider refuses, the action fails, or it takes longer than WaitTime.
        """
        wait_seconds = self.state.get("WaitTime")
        seconds = DEFAULT_WAIT_SECONDS if wait_seconds is None else wait_seconds
        deadline = datetime.fromisoformat(self.position.entered) + timedelta(seconds=seconds)
        document = self.position.ended or self._follow(self._start(body), deadline)
        if self.position.ended is None:
            self.position.ended = document  # before the release, after which the provider no longer knows it
            self.save()
        if document["status"] not in COMPLETE:
            self._stop()
            cause = f"The action did not complete within {seconds} seconds."
            raise FlowError(TIMEOUT, cause, self._result(document))
        if not self.keep:
            self._release()
        if document["status"] == "FAILED" and self.state.get("ExceptionOnActionFailure") is not False:
            raise FlowError(FAILED, "The action failed.", self._result(document))
        return self._result(document)

    def _start(self, body: Any) -> dict[str, Any]:
        try:
            if self.position.action_id is not None:
                return self._checked(self.provider.status(self.position.action_id))
            document = self.provider.run(body, self.position.request_id, self.position.label)
            document = self._checked(document)
            if not isinstance(document.get("action_id"), str):
                raise ProviderError("The provider's response has no action_id.")
        except ProviderError as error:
            raise FlowError(UNABLE, str(error), error.document) from error
        self.position.action_id = document["action_id"]
        self.save()
        return document

    def _follow(self, document: dict[str, Any], deadline: datetime) -> dict[str, Any]:
        pause = FIRST_PAUSE_SECONDS
        while True:
            self._tell(document)
            if document["status"] in COMPLETE:
                return document
            if document["status"] == "INACTIVE" and self.consent and self.consent(document, self.provider):
                document = self._ask(self.provider.resume, document)
                self._tell(document)
            left = (deadline - self.clock.now()).total_seconds()
            if left <= 0:
                return document
            wait, pause = self._pauses(document, pause)
            self.clock.sleep(min(wait, left))
            document = self._ask(self.provider.status, document)

    def _pauses(self, document: Mapping[str, Any], pause: float) -> tuple[float, float]:
        """Return the next pause and the one after it. The next one ends no later than the estimated completion time."""
        expected = estimated_completion(document)
        left = (expected - self.clock.now()).total_seconds() + 0.1 if expected else 0.0
        if 0.1 < left < pause:
            return left, FIRST_PAUSE_SECONDS
        return pause, min(pause * 2, LONGEST_PAUSE_SECONDS)

    def _ask(self, operation: Callable[[str], Mapping[str, Any]], document: dict[str, Any]) -> dict[str, Any]:
        """Return the new status document, or the previous one if the provider has a temporary problem."""
        try:
            return self._checked(operation(str(self.position.action_id)))
        except ProviderError as error:
            if not error.is_transient:
                raise FlowError(FAILED, str(error), error.document) from error
            self.observer.note(f"{error} Trying again.")
            return document

    def _tell(self, document: Mapping[str, Any]) -> None:
        self.set_status("INACTIVE" if document["status"] == "INACTIVE" else "ACTIVE")
        self.recorder.polled(self.position.state, document)
        self.observer.action_polled(self.position.state, document)

    def _stop(self) -> None:
        try:
            document = self.provider.cancel(str(self.position.action_id))
            if not self.keep and document.get("status") in COMPLETE:
                self._release()
        except ProviderError as error:
            self.observer.note(f"The action could not be canceled: {error}")

    def _release(self) -> None:
        try:
            self.provider.release(str(self.position.action_id))
        except ProviderError as error:
            self.observer.note(f"The action could not be released: {error}")

    def _result(self, document: Mapping[str, Any]) -> dict[str, Any]:
        return {**document, "state_name": self.position.state}

    @staticmethod
    def _checked(document: Mapping[str, Any]) -> dict[str, Any]:
        if not isinstance(document, Mapping) or document.get("status") not in ("ACTIVE", "INACTIVE", *COMPLETE):
            raise ProviderError("The provider's response is not an action status.")
        return dict(document)


def estimated_completion(document: Mapping[str, Any]) -> datetime | None:
    """Return the estimated completion time in the details, if there is one."""
    details = document.get("details")
    try:
        found = datetime.fromisoformat(details["estimated_completion_time"])  # type: ignore[index] # caught below
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    except (TypeError, KeyError, ValueError):
        return None
