"""The provider under test, as the rules see it: its callers, its description, and the actions started there."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from conformance.action_end import ActionEnd, Document
from conformance.caller import Caller, new_id
from conformance.documents import COMPLETE, STATUSES
from conformance.errors import NoResponse, Skip
from conformance.exchange import Connection
from conformance.optional import OptionalOperations
from conformance.other_user import OtherUser
from conformance.rate_limit import RateLimit
from conformance.response import Response
from conformance.transport import Transport

UNKNOWN_TOKEN = "no-such-token-of-the-conformance-suite"  # noqa: S105 - not a secret


class ProviderUnderTest:
    """An Action Provider, a body that it accepts, and one or two users with a token.

    :param limit_seconds: how long one response may take.
    :param wait_seconds: how long to wait for actions to end, in all.
    :param rounds: how often simultaneous requests are sent, at most.
    :param say: receives lines of progress.
    """

    def __init__(
        self,
        url: str,
        token: str,
        body: Mapping[str, Any],
        *,
        other_token: str | None = None,
        other_body: Mapping[str, Any] | None = None,
        limit_seconds: float = 10,
        wait_seconds: float = 60,
        rounds: int = 100,
        say: Callable[[str], None] = lambda _text: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        base = url.rstrip("/")
        self.url = url
        self.sleep = sleep
        connection = Connection(base, limit_seconds=limit_seconds)
        self.transport = Transport(connection, RateLimit(say=say, sleep=sleep))
        self.body = dict(body)
        self.given_other_body = None if other_body is None else dict(other_body)
        self.rounds = rounds
        self.introspection_path = url[len(base) :][:1]
        self.creator = Caller(self, "with the token", f"Bearer {token}")
        self.anonymous = Caller(self, "without a token", None)
        self.unknown = Caller(self, "with an unknown token", f"Bearer {UNKNOWN_TOKEN}")
        self.malformed = [
            Caller(self, "with an Authorization header of another scheme", "Basic bm9ib2R5Om5vdGhpbmc="),
            Caller(self, "with a bearer header without a token", "Bearer"),
        ]
        other_caller = other_token and Caller(self, "with the other token", f"Bearer {other_token}")
        self.other_user = OtherUser(self, other_caller or None)
        self.started: dict[str, Caller] = {}
        self.tolerated: list[Response] = []
        """Responses to deliberately invalid requests that were accepted; their status may repeat the invalid part."""
        self.action_end = ActionEnd(self, wait_seconds, say)
        self.optional = OptionalOperations(self)
        self._completes_at_once = False

    # The description

    @cached_property
    def introspected(self) -> Response:
        """The response to introspection, with or without a slash at the end of the URL.

        :raises NoResponse: there is none.
        """
        first = self.creator.introspect()
        if first.code in (301, 302, 303, 307, 308, 404, 405):
            given, self.introspection_path = self.introspection_path, "" if self.introspection_path else "/"
            second = self.creator.introspect()
            if second.is_success:
                return second
            self.introspection_path = given
        return first

    @cached_property
    def description(self) -> Document:
        """The introspection document, or an empty one without any."""
        try:
            return self.introspected.object
        except NoResponse:
            return {}

    @property
    def input_schema(self) -> Document:
        """:raises Skip: the description has none."""
        schema = self.description.get("input_schema")
        if not isinstance(schema, dict):
            raise Skip("the description has no input_schema")
        return schema

    # Actions

    @cached_property
    def first_request_id(self) -> str:
        return new_id()

    @cached_property
    def first_run(self) -> Response:
        """The response to a first plain request.

        :raises NoResponse: there is none.
        """
        return self.creator.run(self.first_request_id)

    @property
    def first(self) -> Document:
        """The action of that request.

        :raises Skip: it was not started.
        """
        try:
            return self.action_of(self.first_run)
        except NoResponse as error:
            raise Skip(f"no action could be started: {error}") from error

    def require_start(self) -> None:
        """:raises Skip: a plain request starts no action here, so refusing another one proves nothing."""
        _ = self.first

    def action_of(self, response: Response) -> Document:
        """Return the action that a response shows.

        :raises Skip: it shows none. Other rules report that.
        """
        document = response.object
        if not response.is_success or not isinstance(document.get("action_id"), str) or not document["action_id"]:
            raise Skip(f"the response shows no action: {response}")
        if document.get("status") not in STATUSES:
            raise Skip(f"the response shows no status that the interface knows: {response}")
        return document

    def start(self, **fields: Any) -> Document:
        """Start an action.

        :raises Skip: none can be started.
        """
        self.require_start()
        return self.action_of(self.creator.run(**fields))

    def start_running(self, **fields: Any) -> Document:
        """Start an action that is not complete yet.

        :raises Skip: actions of this provider are complete at once.
        """
        if self._completes_at_once or self.first["status"] in COMPLETE:
            raise Skip("actions of this provider are complete at once")
        action = self.start(**fields)
        self._completes_at_once = action["status"] in COMPLETE
        if self._completes_at_once:
            raise Skip("actions of this provider are complete at once")
        return action

    def start_any(self, **fields: Any) -> Document:
        """Start an action, preferably one that is not complete at once.

        :raises Skip: none can be started.
        """
        try:
            return self.start_running(**fields)
        except Skip:
            return self.start(**fields)

    def require_visible(self, action: Document) -> None:
        """:raises Skip: the creator cannot see the action, so hiding it from others proves nothing."""
        seen = self.creator.status(action["action_id"])
        if not seen.is_success:
            raise Skip(f"the creator of the action cannot see it either: {seen}")

    @cached_property
    def ended(self) -> Document:
        """The first action, complete.

        :raises Skip: it does not come to an end.
        """
        return self.action_end.of(self.first)

    def still_responds(self) -> bool:
        """Return whether the provider answers a request that it answered before, now or within three seconds."""
        probe = self.transport.last_get or self.creator.request("introspection", "GET", self.introspection_path)
        for pause in (0, 0.5, 2):
            self.sleep(pause)
            if self.transport.responds(probe):
                return True
        return False
