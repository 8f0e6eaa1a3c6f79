"""The in-memory database: dicts and sorted lists in one process, lost when it ends."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Hashable, Iterator, Sequence
from datetime import datetime
from itertools import groupby, islice, takewhile
from typing import Generic, TypeVar

from sortedcontainers import SortedList

from app.action.record import Action, Status
from app.action.store import Page, Place, Query, document_of
from app.database.listed import ENDED_AT_ONCE, is_released, planned_end, roles_of, sums_with

K = TypeVar("K", bound=Hashable)


class SortedLists(Generic[K]):
    """Sorted lists of places, by key. None of them is empty."""

    def __init__(self) -> None:
        self._lists: dict[K, SortedList[Place]] = {}

    def add(self, key: K, entry: Place) -> None:
        if key not in self._lists:
            self._lists[key] = SortedList()
        self._lists[key].add(entry)

    def remove(self, key: K, entry: Place) -> None:
        entries = self._lists[key]
        entries.remove(entry)
        if not entries:
            del self._lists[key]

    def before(self, key: K, entry: Place | None) -> Iterator[Place]:
        """Yield the entries before this one, or all, last first."""
        entries = self._lists.get(key)
        return iter(()) if entries is None else entries.irange(None, entry, inclusive=(True, False), reverse=True)

    def until(self, key: K, time: datetime) -> Iterator[Place]:
        """Yield the entries up to this time, earliest first."""
        return takewhile(lambda entry: entry[0] <= time, self._lists.get(key, ()))


class MemoryDatabase:
    """Actions by action_id, their ids by creator_id and request_id, and what lists, purge, and due look them up by.

    One lock guards every change, and every read that goes through a list. Records are immutable, so they can be handed
    out as they are.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._actions: dict[str, Action] = {}
        self._requests: dict[tuple[str, str], str] = {}
        self._places = SortedLists[tuple[str, int, Status]]()
        self._ends = SortedLists[tuple[str, int]]()
        self._purge_times = SortedLists[None]()
        self._due = SortedLists[None]()

    def create(self, action: Action) -> Action:
        with self._lock:
            stored = self._requests.setdefault((action.creator_id, action.request_id), action.action_id)
            if stored != action.action_id:
                return self._actions[stored]
            self._actions[action.action_id] = action
            self._add_times(action)
            self._add_places(action)
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
                return Page(ended=ended)
            found = list(islice(self._matching(query, now), query.limit + 1))
        shown = found[: query.limit]
        return Page([document_of(action) for action in shown], shown[-1].place if len(found) > query.limit else None)

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
            expired = list(islice(self._purge_times.until(None, now), limit))
            return [action for _, action_id in expired if (action := self._forget(action_id)) is not None]

    def due(self, now: datetime, limit: int) -> Sequence[Action]:
        with self._lock:
            return [self._actions[action_id] for _, action_id in islice(self._due.until(None, now), limit)]

    def check(self) -> None:
        """Do nothing: it always answers."""

    def close(self) -> None:
        """Do nothing: it has no connections."""

    def _replace(self, old: Action, new: Action) -> bool:
        stored = self._actions.get(old.action_id)
        if stored is None or stored.version != old.version:
            return False
        self._actions[old.action_id] = new
        if (stored.purge_time, stored.due) != (new.purge_time, new.due):
            self._remove_times(stored)
            self._add_times(new)
        if _listed(stored) != _listed(new):
            self._remove_places(stored)
            self._add_places(new)
        if is_released(new):
            self._requests.pop((new.creator_id, new.request_id), None)
        return True

    def _ended(self, query: Query, now: datetime) -> Iterator[Action]:
        seen = set()
        for principal in query.principals:
            for roles in sums_with(query.roles):
                for _, action_id in self._ends.until((principal, roles), now):
                    action = self._actions[action_id]
                    if action_id not in seen and not action.is_expired(now):
                        seen.add(action_id)
                        yield action

    def _matching(self, query: Query, now: datetime) -> Iterator[Action]:
        """Yield the actions that the query asks for, newest first, beginning after `query.after`."""
        keys = (
            (principal, roles, status)
            for principal in query.principals
            for roles in sums_with(query.roles)
            for status in query.statuses
        )
        places = [self._places.before(key, query.after) for key in keys]
        for (_, action_id), _ in groupby(heapq.merge(*places, reverse=True)):
            action = self._actions[action_id]
            if not action.is_expired(now):
                yield action

    def _add_places(self, action: Action) -> None:
        if is_released(action):
            return
        status, end = action.stored_status, planned_end(action)
        for principal, roles in roles_of(action).items():
            self._places.add((principal, roles, status), action.place)
            if end is not None:
                self._ends.add((principal, roles), (end, action.action_id))

    def _remove_places(self, action: Action) -> None:
        if is_released(action):
            return
        status, end = action.stored_status, planned_end(action)
        for principal, roles in roles_of(action).items():
            self._places.remove((principal, roles, status), action.place)
            if end is not None:
                self._ends.remove((principal, roles), (end, action.action_id))

    def _add_times(self, action: Action) -> None:
        purge_time, due = action.purge_time, action.due
        if purge_time is not None:
            self._purge_times.add(None, (purge_time, action.action_id))
        if due is not None:
            self._due.add(None, (due, action.action_id))

    def _remove_times(self, action: Action) -> None:
        purge_time, due = action.purge_time, action.due
        if purge_time is not None:
            self._purge_times.remove(None, (purge_time, action.action_id))
        if due is not None:
            self._due.remove(None, (due, action.action_id))

    def _forget(self, action_id: str) -> Action | None:
        action = self._actions.pop(action_id, None)
        if action is None:
            return None
        if self._requests.get((action.creator_id, action.request_id)) == action_id:
            del self._requests[action.creator_id, action.request_id]
        self._remove_times(action)
        self._remove_places(action)
        return action


def _listed(action: Action) -> tuple[object, ...]:
    """Return what the lists depend on."""
    return action.stored_status, planned_end(action), is_released(action)
