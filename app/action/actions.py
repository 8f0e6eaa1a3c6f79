"""The operations on actions: run, read, list, cancel, release, resume, and what an operator runs from a timer."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from app.action import life_cycle
from app.action.advancing import TRIES, Advancer, busy, unknown
from app.action.error import InvalidState, NotFound, Unavailable
from app.action.hooks import NO_PLACE, Hooks, Observer
from app.action.life_cycle import Limits
from app.action.record import Action
from app.action.request import ActionRequest
from app.action.store import ActionStore, Page, Query
from app.work import Active, Caller

BATCH = 500
"""How many actions are purged at once: a few milliseconds of one request in PURGE_SECONDS."""

PURGE_SECONDS = 10


@dataclass(frozen=True)
class Counts:
    """What a round of `Actions.advance_due` did."""

    looked_at: int = 0
    ended: int = 0
    cleaned_up: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.looked_at + other.looked_at, self.ended + other.ended, self.cleaned_up + other.cleaned_up)


class Actions:
    """The actions of a provider, whose domain rules hold whatever store and work module they have.

    :param timer: a monotonic clock, in seconds.
    """

    def __init__(
        self,
        store: ActionStore,
        hooks: Hooks,
        advancer: Advancer,
        *,
        timer: Callable[[], float],
        limits: Limits,
        observer: Observer,
    ) -> None:
        self._store = store
        self._hooks = hooks
        self._advancer = advancer
        self._timer = timer
        self._limits = limits
        self._observer = observer
        self._next_purge = timer()

    def run(self, request: ActionRequest, caller: Caller, now: datetime) -> tuple[Action, bool]:
        """Start the action of this request, or return the one it already started; also return whether it is new.

        :raises InvalidRequest: the work module, or the rule about deadlines, refuses the request.
        :raises InvalidState: the caller has used this request_id for another request.
        """
        try:
            new, claimed = self._begin(request, caller, now)
        except Exception:  # a repeat is answered even if the same request could no longer start an action
            stored = self._store.find(caller.effective_identity, request.request_id)
            if stored is None or stored.is_expired(now):
                raise
            return self._repeated(stored, request, caller, now), False
        try:
            stored = self._create(new, now)
            if stored is not new:
                self._leave(claimed)
                claimed = False  # the other action may need its own place
                return self._repeated(stored, request, caller, now), False
            ends_now = not claimed and new.is_complete(now)
            self._observer.action("started")
            if new.final and new.outcome is not None:
                self._observer.action(new.outcome.status.lower())
            if not claimed:
                return (self._advancer.settle(new, now) if ends_now else new), True
            with suppress(NotFound):  # released in the meantime
                return self._advancer.advance(new, caller), True
            return new, True
        finally:
            self._leave(claimed)

    def get(self, action_id: str) -> Action | None:
        """Return the stored record, or None: to check who may see the action. To show it, use `current`."""
        return self._store.get(action_id)

    def current(self, action: Action, now: datetime, caller: Caller) -> Action:
        """Return the action as it is at `now`: ended if its time has come, advanced if that is due.

        :raises NotFound: it has expired, or was released.
        """
        if action.progress is None and not action.is_complete(now):
            return action
        if action.is_expired(now):
            raise unknown(action.action_id)
        return self._advancer.current(action, now, caller)

    def list(self, query: Query, now: datetime) -> Page:
        """Return the page that the query asks for. Nothing is advanced; what has ended is final."""
        while True:
            page = self._store.list(query, now)
            if not page.ended:
                return page
            changes = [(action, life_cycle.settle(action, now)) for action in page.ended]
            for change, replaced in zip(changes, self._store.replace_all(changes), strict=True):
                if replaced:
                    self._advancer.count_end(*change)

    def cancel(self, action: Action, now: datetime, caller: Caller) -> Action:
        """Cancel the action, and stop its work.

        :raises InvalidState: it is complete.
        """
        for _ in range(TRIES):
            new = life_cycle.cancel(action, now)
            claims = new.progress is not None and bool(new.progress.pending) and self._advancer.enter()
            try:
                if claims:
                    new = life_cycle.claim(new, now, self._advancer.lease)
                if self._advancer.replace(action, new):
                    if claims:
                        self._advancer.call_pending(new, caller)
                    return new
            finally:
                self._leave(claims)
            action = self._advancer.settle(self._advancer.stored(action.action_id), now)
        raise busy()

    def release(self, action: Action, now: datetime, caller: Caller) -> Action:
        """Forget a completed action and its request_id, after the work module has cleaned up. Return its last status.

        :raises InvalidState: it is not complete.
        :raises NotFound: another request has released it.
        """
        action.check_releasable(now)
        self._forget(action, now, caller)
        self._observer.action("released")
        return action

    def resume(self, action: Action, now: datetime, caller: Caller) -> Action:
        """Advance an INACTIVE action on behalf of the caller.

        :raises InvalidState: it is not INACTIVE.
        """
        new = life_cycle.resume(action, now, self._advancer.lease)
        if not self._advancer.enter():
            raise Unavailable(NO_PLACE)
        try:
            if not self._store.replace(action, new):
                raise InvalidState("The action changed just now. Look at its status before you resume it again.")
            return self._advancer.advance(new, caller)
        finally:
            self._advancer.leave()

    def tidy(self, now: datetime) -> None:
        """Purge a batch of expired actions, if the next one is due."""
        if self._timer() < self._next_purge:
            return
        self._next_purge = self._timer() + PURGE_SECONDS
        with suppress(Unavailable):
            if self.purge(now) == BATCH:
                self._next_purge = self._timer()

    def purge(self, now: datetime, limit: int = BATCH) -> int:
        """Drop up to `limit` expired actions that no hook waits for. Return how many."""
        purged = self._store.purge(now, limit)
        for action in purged:
            self._advancer.count_end(action, replace(action, final=True))
        if purged:
            self._observer.action("expired", len(purged))
        return len(purged)

    def advance_due(self, now: datetime, limit: int = BATCH) -> Counts:
        """Advance up to `limit` due actions on nobody's behalf, and call the hooks of those that ended or expired."""
        ended = cleaned_up = 0
        due = self._store.due(now, limit)
        for action in due:
            with suppress(NotFound):
                if action.is_expired(now):
                    self._expire(action, now)
                    cleaned_up += 1
                else:
                    ended += self._advancer.current(action, now, None).final and not action.final
        return Counts(len(due), ended, cleaned_up)

    def _expire(self, action: Action, now: datetime) -> None:
        if action.progress is not None and action.progress.released:
            self._advancer.current(action, now, None)
            return
        self._forget(self._advancer.settle(action, now), now, None)
        self._observer.action("expired")

    def _begin(self, request: ActionRequest, caller: Caller, now: datetime) -> tuple[Action, bool]:
        """Return a new record, and whether its first call of `advance` is claimed, with a place to make it in."""
        work = self._hooks.work
        step, used = self._hooks.begin(request.body, caller, now)
        new = life_cycle.start(
            request,
            step,
            action_id=str(uuid.uuid4()),
            creator_id=caller.effective_identity,
            identities=in_order(caller.identities),
            now=now,
            limits=self._limits,
            stops=work.cancel is not None,
            cleans_up=work.release is not None,
            acts_as_caller=used,
        )
        if not isinstance(step, Active) or not life_cycle.is_due(new, now, for_creator=True):
            return new, False
        if self._advancer.enter():
            return replace(life_cycle.claim(new, now, self._advancer.lease), version=0), True
        if work.synchronous:
            raise Unavailable(NO_PLACE)
        return new, False

    def _create(self, new: Action, now: datetime) -> Action:
        for _ in range(TRIES):
            stored = self._store.create(new)
            if stored is new or not stored.is_expired(now):
                return stored
            with suppress(NotFound):
                self._expire(stored, now)
        raise Unavailable("This request is being started and released over and over. Please try again.")

    def _repeated(self, stored: Action, request: ActionRequest, caller: Caller, now: datetime) -> Action:
        if stored.content != request.content:
            raise InvalidState("This request_id was used for a different request. Choose a new one.")
        return self._advancer.current(stored, now, caller)

    def _forget(self, action: Action, now: datetime, caller: Caller | None) -> None:
        """Call the last hooks, then delete the record. From the first write on, the action is gone for its callers.

        :raises NotFound: another request has released it.
        """
        for _ in range(TRIES):
            progress = action.progress
            if progress is None or not (progress.pending or progress.cleans_up):
                if not self._store.delete(action.action_id):
                    raise unknown(action.action_id)
                return
            claims = self._advancer.enter()
            try:
                lease = self._advancer.lease if claims else timedelta(0)
                gone = life_cycle.release(action, now, lease)
                if self._store.replace(action, gone):
                    if claims:
                        self._advancer.call_pending(gone, caller)
                    return
            finally:
                self._leave(claims)
            action = self._advancer.stored(action.action_id)
        raise busy()

    def _leave(self, claimed: bool) -> None:
        if claimed:
            self._advancer.leave()


@functools.lru_cache(maxsize=10_000)
def in_order(identities: frozenset[str]) -> tuple[str, ...]:
    """Return the identities sorted: the same tuple each time, so that all actions of a caller share it."""
    return tuple(sorted(identities))
