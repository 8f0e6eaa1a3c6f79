"""The in-memory database: dicts, for one process and for as long as it runs."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime

from app.action import Action


class MemoryDatabase:
    """Actions by action_id, and their ids by (creator_id, request_id). One lock guards every change.

    Records are immutable, so what is stored can be handed out as it is.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._actions: dict[str, Action] = {}
        self._requests: dict[tuple[str, str], str] = {}

    def create(self, action: Action) -> Action:
        request = (action.creator_id, action.request_id)
        with self._lock:
            stored = self._current(self._requests.get(request), action.start_time)
            if stored is not None:
                return stored
            self._forget(self._requests.get(request))
            self._actions[action.action_id] = action
            self._requests[request] = action.action_id
            return action

    def get(self, action_id: str, now: datetime) -> Action | None:
        action = self._actions.get(action_id)
        if action is not None and (action.final or not action.is_complete(now)):
            return None if action.is_expired(now) else action
        with self._lock:
            return self._current(action_id, now)

    def find(self, creator_id: str, request_id: str, now: datetime) -> Action | None:
        action_id = self._requests.get((creator_id, request_id))
        return None if action_id is None else self.get(action_id, now)

    def replace(self, old: Action, new: Action) -> bool:
        with self._lock:
            if self._actions.get(old.action_id) != old:
                return False
            self._actions[old.action_id] = new
            return True

    def delete(self, action_id: str) -> bool:
        with self._lock:
            return self._forget(action_id)

    def _current(self, action_id: str | None, now: datetime) -> Action | None:
        """What `get` returns, with the lock held."""
        action = self._actions.get(action_id) if action_id is not None else None
        if action is None or action.is_expired(now):
            return None
        if action.is_complete(now) and not action.final:
            action = self._actions[action.action_id] = replace(action, final=True)
        return action

    def _forget(self, action_id: str | None) -> bool:
        action = self._actions.pop(action_id, None) if action_id is not None else None
        if action is not None:
            del self._requests[action.creator_id, action.request_id]
        return action is not None
