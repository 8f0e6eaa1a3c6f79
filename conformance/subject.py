"""The provider under test, as the rules see it: who calls it, the actions that were started there, and their end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from conformance.caller import Caller, new_id
from conformance.documents import COMPLETE, STATUSES
from conformance.rule import Skip
from conformance.wire import Answer, NoAnswer, Wire

Document = dict[str, Any]

NOBODY = "no-such-token-of-the-conformance-suite"


class Subject:
    """A provider, a body that it takes, and one or two people with a token.

    :param wait_seconds: how long the end of an action is waited for, in all.
    :param say: where progress is told.
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
        say: Callable[[str], None] = lambda _text: None,
    ) -> None:
        base = url.rstrip("/")
        self.wire = Wire(base, limit_seconds=limit_seconds)
        self.body = dict(body)
        self.given_other_body = None if other_body is None else dict(other_body)
        self.introspection_path = url[len(base) :][:1]
        self.me = Caller(self, "with the token", f"Bearer {token}")
        self.nobody = Caller(self, "without a token", None)
        self.stranger = Caller(self, "with an unknown token", f"Bearer {NOBODY}")
        self.malformed = [
            Caller(self, "with an Authorization header of another scheme", "Basic bm9ib2R5Om5vdGhpbmc="),
            Caller(self, "with a bearer header without a token", "Bearer"),
        ]
        self._other = other_token and Caller(self, "with the other token", f"Bearer {other_token}")
        self.started: dict[str, Caller] = {}
        self._seconds_left = wait_seconds
        self._wait_seconds = wait_seconds
        self._say = say
        self.odd_answers: list[Answer] = []
        """What came of requests that were wrong on purpose, and were taken: a status may repeat what is wrong."""
        self.ran_out_of_time = False
        self._completes_at_once = False
        self._ends = True

    # What it says of itself

    @cached_property
    def introspected(self) -> Answer:
        """What introspection answers, with or without a slash at the end of the URL.

        :raises NoAnswer: neither is answered.
        """
        first = self.me.introspect()
        if first.code in (301, 302, 303, 307, 308, 404, 405):
            given, self.introspection_path = self.introspection_path, "" if self.introspection_path else "/"
            second = self.me.introspect()
            if second.is_success:
                return second
            self.introspection_path = given
        return first

    @cached_property
    def description(self) -> Document:
        """The introspection document, or an empty one where there is none."""
        try:
            return self.introspected.object
        except NoAnswer:
            return {}

    @property
    def input_schema(self) -> Document:
        """:raises Skip: there is none."""
        schema = self.description.get("input_schema")
        if not isinstance(schema, dict):
            raise Skip("the provider describes no input_schema")
        return schema

    @property
    def has_log(self) -> bool:
        return self.description.get("log_supported") is True

    # Who else there is

    @property
    def other(self) -> Caller:
        """:raises Skip: there is no second token, or it is of no use."""
        if not isinstance(self._other, Caller):
            raise Skip("no --other-token was given")
        if self._others_first is None or self._others_first.code == 401:
            raise Skip(
                "the provider does not take the other token: POST /run with it is answered with 401, or not at all"
            )
        if self.cannot_tell_people_apart:
            raise Skip("both tokens are of the same identity (their actions have one creator_id)")
        return self._other

    @property
    def cannot_tell_people_apart(self) -> bool:
        """Whether what the two of them start has the same creator."""
        answer = self._others_first
        creator = answer.object.get("creator_id") if answer is not None and answer.is_success else None
        return isinstance(creator, str) and creator == self.first.get("creator_id")

    @property
    def rejects_other_token(self) -> bool:
        return isinstance(self._other, Caller) and (self._others_first is None or self._others_first.code == 401)

    @cached_property
    def _others_first(self) -> Answer | None:
        if not isinstance(self._other, Caller):
            return None
        try:
            return self._other.run()
        except NoAnswer:
            return None

    @property
    def others_principal(self) -> str:
        """:raises Skip: who the other one is cannot be seen."""
        answer = self.other and self._others_first
        creator = answer.object.get("creator_id") if answer else None
        if not isinstance(creator, str):
            raise Skip("the other token cannot run an action here, so that its identity is not known")
        return creator

    # Actions

    @cached_property
    def first_request_id(self) -> str:
        return new_id()

    @cached_property
    def first_run(self) -> Answer:
        """The answer to a first plain request.

        :raises NoAnswer: there is none.
        """
        return self.me.run(self.first_request_id)

    @property
    def first(self) -> Document:
        """The action of that request.

        :raises Skip: it has not been started.
        """
        try:
            return self.action_of(self.first_run)
        except NoAnswer as error:
            raise Skip(f"no action could be started: {error}") from error

    def require_start(self) -> None:
        """:raises Skip: a plain request starts no action here, so that nothing can be told from another one."""
        _ = self.first

    def action_of(self, answer: Answer) -> Document:
        """The action that an answer shows.

        :raises Skip: it shows none. That is a fault which other rules name.
        """
        document = answer.object
        if not answer.is_success or not isinstance(document.get("action_id"), str) or not document["action_id"]:
            raise Skip(f"no action to look at: {answer}")
        if document.get("status") not in STATUSES:
            raise Skip(f"no status that the interface knows: {answer}")
        return document

    def start(self, **fields: Any) -> Document:
        """A new action.

        :raises Skip: none can be started.
        """
        self.require_start()
        return self.action_of(self.me.run(**fields))

    def start_running(self, **fields: Any) -> Document:
        """A new action that is not complete yet.

        :raises Skip: actions of this provider are complete at once.
        """
        if self._completes_at_once or self.first["status"] in COMPLETE:
            raise Skip("actions of this provider are complete at once")
        action = self.start(**fields)
        self._completes_at_once = action["status"] in COMPLETE
        if self._completes_at_once:
            raise Skip("actions of this provider are complete at once")
        return action

    def end_of(self, action: Document, *, hurry: bool = False) -> Document:
        """The status of an action once it is complete: by itself, or by a cancel where that takes too long.

        :param hurry: cancel it at once.
        :raises Skip: it does not come to an end in the time that is left.
        """
        if action["status"] in COMPLETE:
            return action
        if hurry:
            self.me.cancel(action["action_id"])
        end = self._wait(action["action_id"], self._seconds_left if self._ends else 0)
        if end is None:
            self.ran_out_of_time = self.ran_out_of_time or not hurry
            self.me.cancel(action["action_id"])
            end = self._wait(action["action_id"], 2 if self._ends else 0)
        self._ends = end is not None
        if end is None:
            raise Skip(f"the end of an action could not be seen within {self._wait_seconds:g} s: raise --timeout")
        return end

    def _wait(self, action_id: str, seconds: float) -> Document | None:
        """Look again and again; the time spent is taken from what is left of `wait_seconds`."""
        begun, pause = time.monotonic(), 0.05
        while True:
            document = self.action_of(self.me.status(action_id))
            spent = time.monotonic() - begun
            if document["status"] in COMPLETE or spent + pause > seconds:
                self._seconds_left = max(0, self._seconds_left - spent)
                return document if document["status"] in COMPLETE else None
            if spent > 2:
                self._say(f"waiting for an action to end, {seconds - spent:.0f} s at most …")
            time.sleep(pause)
            pause = min(2, pause * 1.5)

    @cached_property
    def ended(self) -> Document:
        """The first action, complete.

        :raises Skip: it does not come to an end.
        """
        return self.end_of(self.first)

    # Afterwards

    def clean_up(self) -> list[str]:
        """Cancel and release everything that was started.

        :returns: the ids of the actions that are left.
        """
        for action_id, caller in self.started.items():
            _try(lambda action_id=action_id, caller=caller: caller.cancel(action_id))  # type: ignore[misc]
        left = dict(self.started)
        for pause in (0, 0.2, 0.5, 1):
            time.sleep(pause if left else 0)
            left = {action_id: caller for action_id, caller in left.items() if not self._released(action_id, caller)}
        return list(left)

    @staticmethod
    def _released(action_id: str, caller: Caller) -> bool:
        answer = _try(lambda: caller.release(action_id))
        return answer is not None and (answer.is_success or answer.code in (404, 410))


def _try(call: Callable[[], Answer]) -> Answer | None:
    try:
        return call()
    except NoAnswer:
        return None
