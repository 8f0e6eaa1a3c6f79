"""The in-memory database: dicts, for one process and for as long as it runs."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby, islice, takewhile

from sortedcontainers import SortedList

from app.action import Action
from app.database import Query, concerns, place
from app.metrics import Metrics

Place = tuple[datetime, str]


class MemoryDatabase:
    """Actions by action_id, their ids by creator_id and request_id, and their places by principal and by expiry.

    One lock guards every change, and every read that goes through a list. Records are immutable, so what is stored can
    be handed out as it is.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._lock = threading.Lock()
        self._actions: dict[str, Action] = {}
        self._requests: dict[str, dict[str, str]] = {}
        self._by_principal: dict[str, SortedList[Place]] = {}
        self._by_expiry: SortedList[Place] = SortedList()
        self._longest = timedelta(0)

    def create(self, action: Action) -> Action:
        with self._lock:
            action_id = self._requests.get(action.creator_id, {}).get(action.request_id)
            if action_id is not None:
                stored = self._current(action_id, action.start_time)
                if stored is not None:
                    return stored
                self._forget(action_id)
            self._actions[action.action_id] = action
            self._requests.setdefault(action.creator_id, {})[action.request_id] = action.action_id
            self._by_expiry.add((action.expiry, action.action_id))
            self._longest = max(self._longest, action.completion_time - action.start_time)
            stands = place(action)
            for principal in set(action.readers):
                self._by_principal.setdefault(principal, SortedList()).add(stands)
            return action

    def get(self, action_id: str, now: datetime) -> Action | None:
        action = self._actions.get(action_id)
        if action is not None and (action.final or not action.is_complete(now)):
            return None if action.is_expired(now) else action
        with self._lock:
            return self._current(action_id, now)

    def find(self, creator_id: str, request_id: str, now: datetime) -> Action | None:
        action_id = self._requests.get(creator_id, {}).get(request_id)
        return None if action_id is None else self.get(action_id, now)

    def list(self, query: Query, now: datetime) -> Sequence[Action]:
        with self._lock:
            return list(islice(self._matching(query, now), query.limit))

    def replace(self, old: Action, new: Action) -> bool:
        with self._lock:
            if self._actions.get(old.action_id) != old:
                return False
            self._actions[old.action_id] = new
            self._by_expiry.remove((old.expiry, old.action_id))
            self._by_expiry.add((new.expiry, new.action_id))
            return True

    def delete(self, action_id: str) -> bool:
        with self._lock:
            return self._forget(action_id)

    def purge(self, now: datetime, limit: int) -> int:
        with self._lock:
            expired = list(islice(takewhile(lambda at: at[0] <= now, self._by_expiry), limit))
            for _, action_id in expired:
                self._end(self._actions[action_id])
                self._forget(action_id)
            return len(expired)

    def check(self) -> None:
        """It always answers."""

    def close(self) -> None:
        """There are none."""

    def _current(self, action_id: str, now: datetime) -> Action | None:
        """What `get` returns, with the lock held."""
        action = self._actions.get(action_id)
        if action is None or action.is_expired(now):
            return None
        return self._end(action) if action.is_complete(now) else action

    def _end(self, action: Action) -> Action:
        """A complete action, final from now on."""
        if not action.final:
            action = self._actions[action.action_id] = replace(action, final=True)
            self._metrics.ended(action.outcome.status)
        return action

    def _matching(self, query: Query, now: datetime) -> Iterator[Action]:
        """The actions that `query` asks for, the newest first, as far as somebody reads on."""
        lists = [self._by_principal[principal] for principal in query.principals if principal in self._by_principal]
        oldest = (now - self._longest, "") if query.only_active else None
        places = [each.irange(oldest, query.after, inclusive=(True, False), reverse=True) for each in lists]
        for (_, action_id), _ in groupby(heapq.merge(*places, reverse=True)):
            action = self._current(action_id, now)
            if action is not None and action.status(now) in query.statuses and concerns(query, action):
                yield action

    def _forget(self, action_id: str) -> bool:
        action = self._actions.pop(action_id, None)
        if action is None:
            return False
        requests = self._requests[action.creator_id]
        del requests[action.request_id]
        if not requests:
            del self._requests[action.creator_id]
        self._by_expiry.remove((action.expiry, action_id))
        for principal in set(action.readers):
            places = self._by_principal[principal]
            places.remove(place(action))
            if not places:
                del self._by_principal[principal]
        return True
