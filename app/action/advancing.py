"""Advances actions whose work continues elsewhere: one call at a time, under a lease, by conditional writes.

A request for an action that is due claims it. A call that never returns is repeated when its lease expires.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from app.action import life_cycle
from app.action.error import NotFound, Unavailable, shorten
from app.action.hooks import Hooks, Observer, Places
from app.action.record import CANCELLED, Action
from app.action.store import ActionStore
from app.work import Caller

TRIES = 10
"""How many times to try a change that conflicts with simultaneous changes of the same action."""

SHOWN_UNWRITTEN = timedelta(minutes=1)
"""How long after its completion an action is shown as complete even if that cannot be stored: longer than any request
takes, so that no cancellation can still be in progress."""


class Advancer:
    """Brings stored actions up to date.

    :param lease: how long a hook call may take at most.
    """

    def __init__(
        self,
        store: ActionStore,
        hooks: Hooks,
        *,
        clock: Callable[[], datetime],
        lease: timedelta,
        observer: Observer,
        places: Places,
    ) -> None:
        self._store = store
        self._hooks = hooks
        self._clock = clock
        self.lease = lease
        self._observer = observer
        self._places = places

    def enter(self) -> bool:
        """Take a place in the hooks without waiting. Return False if there is none."""
        return self._places.try_enter("work")

    def leave(self) -> None:
        self._places.leave("work")

    def settle(self, action: Action, now: datetime) -> Action:
        """Return the action with its end written as final if it is complete at `now`: what was seen never changes.

        :raises NotFound: it was released in the meantime.
        """
        for _ in range(TRIES):
            settled = life_cycle.settle(action, now)
            if settled is action:
                return action
            try:
                if self.replace(action, settled):
                    return settled
            except Unavailable:
                if action.completion_time is None or now - action.completion_time < SHOWN_UNWRITTEN:
                    raise
                return settled
            action = self.stored(action.action_id)
        raise busy()

    def current(self, action: Action, now: datetime, caller: Caller | None) -> Action:
        """Return the action as it is at `now`. If a hook call is due, make it, unless another request is making it.

        :raises NotFound: it was released in the meantime.
        """
        action = self.settle(action, now)
        if action.progress is None or not life_cycle.is_due(action, now, for_creator=is_creator(action, caller)):
            return action
        if not self.enter():
            return action
        try:
            claimed = life_cycle.claim(action, now, self.lease)
            if not self._store.replace(action, claimed):
                return self.stored(action.action_id)
            return self.call_pending(claimed, caller) if claimed.final else self.advance(claimed, caller)
        finally:
            self.leave()

    def advance(self, claimed: Action, caller: Caller | None) -> Action:
        """Call `advance` for a claimed action, and store its step. Return the record as it is then."""
        step, used = self._hooks.advance(claimed, caller)
        now = self._clock()
        if claimed.is_complete(now):  # its deadline passed during the call
            new = life_cycle.settle(claimed, now)
        elif step is None:
            new = life_cycle.retry_later(claimed, now, acts_as_caller=used)
        else:
            new = life_cycle.stepped(claimed, step, now, acts_as_caller=used)
        if not self.replace(claimed, new):
            return self._discard(claimed, now, caller)
        if new.progress is not None and new.progress.pending:
            return self.claim_and_call(new, now, caller)
        return new

    def claim_and_call(self, action: Action, now: datetime, caller: Caller | None) -> Action:
        """Claim the pending hooks of an ended action, and call them."""
        claimed = life_cycle.claim(action, now, self.lease)
        return self.call_pending(claimed, caller) if self._store.replace(action, claimed) else action

    def call_pending(self, claimed: Action, caller: Caller | None) -> Action:
        """Call the pending hooks of a claimed action that has ended. Each that fails is called again later."""
        action = claimed
        while action.progress is not None and action.progress.pending:
            hook = action.progress.pending[0]
            if not self._hooks.call(hook, action, caller):
                later = life_cycle.retry_later(action, self._clock())
                return later if self._store.replace(action, later) else action
            new = life_cycle.called(action, hook)
            if not self._store.replace(action, new):
                return action  # another request has found more to do
            action = new
        if action.progress is not None and action.progress.released:
            self._store.delete(action.action_id)
        return action

    def replace(self, old: Action, new: Action) -> bool:
        """Replace the record, and count its end if this write made it final."""
        replaced = self._store.replace(old, new)
        if replaced:
            self.count_end(old, new)
        return replaced

    def count_end(self, old: Action, new: Action) -> None:
        if new.final and not old.final and new.outcome is not None:
            event = "cancelled" if new.outcome is CANCELLED else new.outcome.status.lower()
            self._observer.action(event)

    def stored(self, action_id: str) -> Action:
        """Return the record as it is stored now.

        :raises NotFound: it was released.
        """
        action = self._store.get(action_id)
        if action is None or (action.progress is not None and action.progress.released):
            raise unknown(action_id)
        return action

    def _discard(self, claimed: Action, now: datetime, caller: Caller | None) -> Action:
        """Handle a step that arrived too late: if the action has ended, its work must be stopped once more."""
        for _ in range(TRIES):
            stored = self._store.get(claimed.action_id)
            if stored is None:
                self._hooks.call("cancel", claimed, caller)
                raise unknown(claimed.action_id)
            if not stored.final or self._hooks.work.cancel is None:
                return stored
            again = life_cycle.stop_again(stored, now, self.lease)
            if self._store.replace(stored, again):
                return self.call_pending(again, caller)
        raise busy()


def is_creator(action: Action, caller: Caller | None) -> bool:
    return caller is not None and action.creator_id in caller.identities


def unknown(action_id: str) -> NotFound:
    return NotFound(f"There is no action {shorten(action_id)}.")


def busy() -> Unavailable:
    return Unavailable("Too many simultaneous requests change this action. Please try again.")
