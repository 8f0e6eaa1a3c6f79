"""The in-memory database: dicts, for one process and as long as it runs."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby, islice, takewhile

from sortedcontainers import SortedList

from app.action.record import Action
from app.action.store import Page, Place, Query, has_role

ENDED_AT_ONCE = 1000
"""How many ended actions a list returns at most, for their end to be made final."""


class MemoryDatabase:
    """Actions by action_id, their ids by creator_id and request_id, and their places by principal and by time.

    One lock guards every change, and every read that goes through a list. Records are immutable, so they can be handed
    out as they are.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._actions: dict[str, Action] = {}
        self._requests: dict[tuple[str, str], str] = {}
        self._by_principal: dict[str, SortedList[Place]] = {}
        self._by_purge_time: SortedList[Place] = SortedList()
        self._by_due: SortedList[Place] = SortedList()

    def create(self, action: Action) -> Action:
        with self._lock:
            stored = self._requests.setdefault((action.creator_id, action.request_id), action.action_id)
            if stored != action.action_id:
                return self._actions[stored]
            self._actions[action.action_id] = action
            self._add_times(action)
            for principal in set(action.readers):
                self._by_principal.setdefault(principal, SortedList()).add(action.place)
            return action

    def get(self, action_id: str) -> Action | None:
        return self._actions.get(action_id)

    def find(self, creator_id: str, request_id: str) -> Action | None:
        action_id = self._requests.get((creator_id, request_id))
        return None if action_id is None else self._actions.get(action_id)

    def list(self, query: Query, now: datetime) -> Page:
        with self._lock:
            ended = list(islice(self._ended(query, now), ENDED_AT_ONCE))
            if ended:
                return Page((), ended)
            return Page(list(islice(self._matching(query, now), query.limit)))

    def replace(self, old: Action, new: Action) -> bool:
        with self._lock:
            return self._replace(old, new)

    def replace_all(self, changes: Sequence[tuple[Action, Action]]) -> Sequence[bool]:
        with self._lock:
            return [self._replace(old, new) for old, new in changes]

    def delete(self, action_id: str) -> bool:
        with self._lock:
            return self._forget(action_id) is not None

    def purge(self, now: datetime, limit: int) -> Sequence[Action]:
        with self._lock:
            expired = list(islice(takewhile(lambda at: at[0] <= now, self._by_purge_time), limit))
            return [action for _, action_id in expired if (action := self._forget(action_id)) is not None]

    def due(self, now: datetime, limit: int) -> Sequence[Action]:
        with self._lock:
            due = islice(takewhile(lambda at: at[0] <= now, self._by_due), limit)
            return [self._actions[action_id] for _, action_id in due]

    def check(self) -> None:
        """Do nothing: it always answers."""

    def close(self) -> None:
        """Do nothing: it has no connections."""

    def _replace(self, old: Action, new: Action) -> bool:
        stored = self._actions.get(old.action_id)
        if stored is None or stored.version != old.version:
            return False
        self._actions[old.action_id] = new
        self._remove_times(stored)
        self._add_times(new)
        if new.progress is not None and new.progress.released:
            self._requests.pop((new.creator_id, new.request_id), None)
        return True

    def _ended(self, query: Query, now: datetime) -> Iterator[Action]:
        for action in self._concerned(query):
            if not action.final and action.is_complete(now) and not action.is_expired(now):
                yield action

    def _matching(self, query: Query, now: datetime) -> Iterator[Action]:
        for action in self._concerned(query):
            if action.status(now) in query.statuses and not action.is_expired(now):
                yield action

    def _concerned(self, query: Query) -> Iterator[Action]:
        """Yield the actions in which the principals hold the roles, newest first, beginning after `query.after`."""
        lists = [self._by_principal[principal] for principal in query.principals if principal in self._by_principal]
        places = [each.irange(None, query.after, inclusive=(True, False), reverse=True) for each in lists]
        for (_, action_id), _ in groupby(heapq.merge(*places, reverse=True)):
            action = self._actions[action_id]
            if has_role(query, action):
                yield action

    def _add_times(self, action: Action) -> None:
        purge_time, due = action.purge_time, action.due
        if purge_time is not None:
            self._by_purge_time.add((purge_time, action.action_id))
        if due is not None:
            self._by_due.add((due, action.action_id))

    def _remove_times(self, action: Action) -> None:
        purge_time, due = action.purge_time, action.due
        if purge_time is not None:
            self._by_purge_time.remove((purge_time, action.action_id))
        if due is not None:
            self._by_due.remove((due, action.action_id))

    def _forget(self, action_id: str) -> Action | None:
        action = self._actions.pop(action_id, None)
        if action is None:
            return None
        if self._requests.get((action.creator_id, action.request_id)) == action_id:
            del self._requests[action.creator_id, action.request_id]
        self._remove_times(action)
        for principal in set(action.readers):
            places = self._by_principal[principal]
            places.remove(action.place)
            if not places:
                del self._by_principal[principal]
        return action
