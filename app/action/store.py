"""The interface of a store of actions, and what a list asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import orjson

from app.action.record import Action, Status

ROLES = ("creator_id", "monitor_by", "manage_by")
"""The roles of a principal in an action, as the interface's `roles` parameter names them."""

Place = tuple[datetime, str]


@dataclass(frozen=True)
class Query:
    """Which actions to list: those in which any of the `principals` holds any of the `roles`, by status.

    `limit` is how many actions a page holds at most. `after` is the place of the last action of the page before
    (`Action.place`); None for the first page.
    """

    principals: frozenset[str]
    roles: frozenset[str]
    statuses: frozenset[Status]
    limit: int
    after: Place | None = None


@dataclass(frozen=True)
class Page:
    """The answer to a Query.

    `documents` are the public documents of the actions, newest first, as JSON texts (see `document_of`). `last` is the
    place of the last one if more actions follow. `ended` are actions that have ended by now though their end is not
    final yet: if there are any, do not show the page. Make them final and ask again.
    """

    documents: Sequence[str] = ()
    last: Place | None = None
    ended: Sequence[Action] = ()


def document_of(action: Action) -> str:
    """Return the public document that lists show of a stored action, as JSON text."""
    return orjson.dumps(action.stored_view).decode()


def has_role(query: Query, action: Action) -> bool:
    """Return whether any of the principals holds any of the roles in the action."""
    holders = {"creator_id": (action.creator_id,), "monitor_by": action.monitor_by, "manage_by": action.manage_by}
    return any(not query.principals.isdisjoint(holders[role]) for role in query.roles)


class ActionStore(Protocol):
    """A store of actions. It only stores: the domain decides what has ended or expired.

    Each method is atomic, also towards other threads and processes, and raises Unavailable if the store does not
    answer. Then either nothing has changed, or everything.
    """

    def create(self, action: Action) -> Action:
        """Store `action`, and return that same object; or return the action stored for its (creator_id, request_id)."""

    def get(self, action_id: str) -> Action | None:
        """Return the action with this id, or None."""

    def find(self, creator_id: str, request_id: str) -> Action | None:
        """Return the action that this creator started with this request_id, or None. Released actions do not count."""

    def list(self, query: Query, now: datetime) -> Page:
        """Return a page of the actions that `query` asks for and that have not expired by `now`."""

    def replace(self, old: Action, new: Action) -> bool:
        """Store `new` in place of `old`. Return False if the stored record is no longer `old`."""

    def replace_all(self, changes: Sequence[tuple[Action, Action]]) -> Sequence[bool]:
        """Replace each old record by its new one, as `replace` does, in one write."""

    def delete(self, action_id: str) -> bool:
        """Forget the action and its request_id. Return False if it is not stored."""

    def purge(self, now: datetime, limit: int) -> Sequence[Action]:
        """Drop up to `limit` actions whose `purge_time` has come by `now`, and return them."""

    def due(self, now: datetime, limit: int) -> Sequence[Action]:
        """Return up to `limit` actions that are `due` by `now`, the longest due first."""
