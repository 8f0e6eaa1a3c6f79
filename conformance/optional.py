"""Which optional operations this provider has."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from conformance.errors import Skip
from conformance.response import Response

if TYPE_CHECKING:
    from conformance.caller import Caller
    from conformance.provider import ProviderUnderTest

ABSENT = (403, 404, 405, 501)
"""How an optional operation that does not exist is answered; API gateways answer 403 on unknown paths."""


class OptionalOperations:
    """Tries operations as the creator of an action. If the creator cannot use one, refusing others proves nothing."""

    def __init__(self, provider: ProviderUnderTest) -> None:
        self._provider = provider

    @cached_property
    def cancel_response(self) -> Response:
        """The response to a cancel by the creator, on an action that was running if the provider has such.

        :raises Skip: no action can be started.
        """
        return self._provider.creator.cancel(self._provider.start_any()["action_id"])

    @property
    def refuses_every_cancel(self) -> bool:
        """Whether the provider does not support cancel; the interface lets it say so with 400."""
        return self.cancel_response.code == 400

    def require_cancel(self) -> None:
        """:raises Skip: the creator cannot cancel either, so refusing someone else proves nothing."""
        if self.refuses_every_cancel:
            raise Skip("the provider does not support cancel (400)")
        if not self.cancel_response.is_success and self.cancel_response.code != 409:
            raise Skip(f"cancel does not work for the creator either ({self.cancel_response.code})")

    @property
    def has_log(self) -> bool:
        return self._provider.description.get("log_supported") is True

    @cached_property
    def resume_response(self) -> Response:
        """The response to a resume by the creator, on an action made for it.

        :raises Skip: no action can be started.
        """
        return self._provider.creator.resume(self._provider.start()["action_id"])

    @property
    def has_resume(self) -> bool:
        return self.resume_response.code not in ABSENT or asks_for_consent(self.resume_response)

    def require_resume(self) -> None:
        """:raises Skip: the provider has no resume."""
        if not self.has_resume:
            raise Skip(f"the provider has no resume (the response is {self.resume_response.code})")

    def of(self, caller: Caller) -> dict[str, Callable[[str], Response]]:
        """Return the operations on an action that this provider has, by name, as methods of the caller."""
        found: dict[str, Callable[[str], Response]] = {"status": caller.status, "release": caller.release}
        if not self.refuses_every_cancel:
            found["cancel"] = caller.cancel
        if self.has_log:
            found["log"] = caller.log
        if self.has_resume:
            found["resume"] = caller.resume
        return found


def asks_for_consent(response: Response) -> bool:
    """Return whether the response is Globus' way of asking for consent: 403 with the code ConsentRequired."""
    return response.code == 403 and response.object.get("code") == "ConsentRequired"
