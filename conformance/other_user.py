"""The user of --other-token, and whether that token can be used."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from conformance.errors import NoResponse, Skip
from conformance.response import Response

if TYPE_CHECKING:
    from conformance.caller import Caller
    from conformance.provider import ProviderUnderTest


class OtherUser:
    """A second user of the provider, or none."""

    def __init__(self, provider: ProviderUnderTest, caller: Caller | None) -> None:
        self._provider = provider
        self._caller = caller

    @property
    def caller(self) -> Caller:
        """:raises Skip: there is no second token, or it cannot be used."""
        if self._caller is None:
            raise Skip("no --other-token was given")
        if self.problem:
            raise Skip(self.problem)
        if self.is_the_creator:
            raise Skip("both tokens belong to the same identity: their actions have the same creator_id")
        return self._caller

    @cached_property
    def problem(self) -> str:
        """Why the provider does not accept the other token, or an empty text."""
        if self._caller is None or (self.first_run is not None and self.first_run.is_success):
            return ""
        if self.first_run is None:
            return "the other token cannot be used: POST /run with it got no response"
        if self.first_run.code in (401, self._code_of_an_unknown_token):
            return (
                "the provider does not accept the other token: POST /run with it is answered with "
                f"{self.first_run.code}, as with an unknown token"
            )
        return ""

    @property
    def is_the_creator(self) -> bool:
        """Whether actions of both tokens have the same creator."""
        return self.creator_id is not None and self.creator_id == self._provider.first.get("creator_id")

    @property
    def creator_id(self) -> str | None:
        """The creator_id of this user's actions, or None if it is not known."""
        response = self.first_run
        creator = response.object.get("creator_id") if response is not None and response.is_success else None
        return creator if isinstance(creator, str) else None

    @property
    def principal(self) -> str:
        """:raises Skip: there is no such user, or their identity is not known."""
        _ = self.caller
        if self.creator_id is None:
            raise Skip("the other token cannot start an action here, so its identity is not known")
        return self.creator_id

    @cached_property
    def first_run(self) -> Response | None:
        """The response to a run with the other token, or None without a token or response."""
        if self._caller is None:
            return None
        try:
            return self._caller.run()
        except NoResponse:
            return None

    @property
    def _code_of_an_unknown_token(self) -> int | None:
        try:
            return self._provider.unknown.run().code
        except NoResponse:
            return None
