"""Where actions are kept: the Database protocol, and open_database(), which picks one by its URL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from globus_action_provider_tools import ActionStatusValue

from app.action import Action
from app.metrics import Metrics

ROLES = ("creator_id", "monitor_by", "manage_by")
"""The ways in which a principal can have to do with an action, as the interface's `roles` parameter names them."""

MEMORY = "memory://"


@dataclass(frozen=True)
class Query:
    """Which actions are asked for: those that one of the `principals` has one of the `roles` in, by their status.

    `after` is the place of the last action that was seen, as `place` says it; None where there was none.
    """

    principals: frozenset[str]
    roles: frozenset[str]
    statuses: frozenset[ActionStatusValue]
    limit: int
    after: tuple[datetime, str] | None = None

    @property
    def only_active(self) -> bool:
        """Whether nothing is asked for that is complete: no need to look at what is older than the longest action."""
        return self.statuses == {ActionStatusValue.ACTIVE}


def concerns(query: Query, action: Action) -> bool:
    """Whether one of the principals has one of the roles in the action."""
    holders = {"creator_id": (action.creator_id,), "monitor_by": action.monitor_by, "manage_by": action.manage_by}
    return any(not query.principals.isdisjoint(holders[role]) for role in query.roles)


def place(action: Action) -> tuple[datetime, str]:
    """Where an action stands in a list: the newest is first, and no two share a place."""
    return action.start_time, action.action_id


class Database(Protocol):
    """A store of actions. Each method is atomic, also towards other threads and processes.

    A read has a `now`, which must have been taken before the call: an action that has expired by then is not there,
    and one that is complete by then becomes `final` before it is returned. So whatever a reader shows as complete
    cannot be cancelled any more, however slow the canceller.

    :raises ServiceUnavailable: by each method, where the database does not answer; nothing has been changed then, or
        all of it.
    """

    def create(self, action: Action) -> Action:
        """Store `action`, and return that same object; or return the action stored for its (creator_id, request_id).

        The action's start_time is the `now` of this call.
        """

    def get(self, action_id: str, now: datetime) -> Action | None:
        """The action of this id; None where there is none."""

    def find(self, creator_id: str, request_id: str, now: datetime) -> Action | None:
        """The action that this creator started by this request; None where there is none."""

    def list(self, query: Query, now: datetime) -> Sequence[Action]:
        """The newest `query.limit` of the actions that `query` asks for, the newest first."""

    def replace(self, old: Action, new: Action) -> bool:
        """Store `new`, which ends otherwise, in the place of `old`; False where the stored record is not `old` now."""

    def delete(self, action_id: str) -> bool:
        """Forget the action and its request_id; False where there is none."""

    def purge(self, now: datetime, limit: int) -> int:
        """Drop up to `limit` of the actions that have expired by `now`: how many there were."""

    def check(self) -> None:
        """Nothing, where the database answers."""

    def close(self) -> None:
        """Give back the connections that are held. Nothing else may be called afterwards."""


def open_database(url: str, metrics: Metrics | None = None) -> Database:
    """The database that `url` names.

    :param metrics: counts the actions that are seen complete, and times the calls of SQL databases.

    :raises DatabaseError: it cannot be used as it is; the message says why, and what to do.
    """
    if url == MEMORY:
        from app.database.memory import MemoryDatabase

        return MemoryDatabase(metrics or Metrics())
    from app.database.sql import open_sql_database

    return open_sql_database(url, metrics or Metrics())


def prepare_database(url: str, *, migrate: bool) -> None:
    """Nothing, where open_database(url) will work; with `migrate`, its tables are brought up to date first.

    :raises DatabaseError: it will not, or the database does not answer.
    """
    if url != MEMORY:
        from app.database.sql import prepare_sql_database

        prepare_sql_database(url, migrate=migrate).dispose()


def is_for_one_process(url: str) -> bool:
    """Whether what is stored there is seen by the process alone that stored it."""
    return url == MEMORY


class DatabaseError(Exception):
    """Raised when a database cannot be used as it is: one line that says why, and what to do."""
