"""Where actions are kept: the Database protocol, and open_database(), which picks one by its URL."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from app.action import Action


class Database(Protocol):
    """A store of actions. Each method is atomic, also towards other threads and processes.

    A read has a `now`, which must have been taken before the call: an action that has expired by then is not there,
    and one that is complete by then becomes `final` before it is returned. So whatever a reader shows as complete
    cannot be cancelled any more, however slow the canceller.
    """

    def create(self, action: Action) -> Action:
        """Store `action`, and return that same object; or return the action stored for its (creator_id, request_id).

        The action's start_time is the `now` of this call.
        """

    def get(self, action_id: str, now: datetime) -> Action | None:
        """The action of this id; None where there is none."""

    def find(self, creator_id: str, request_id: str, now: datetime) -> Action | None:
        """The action that this creator started by this request; None where there is none."""

    def replace(self, old: Action, new: Action) -> bool:
        """Store `new` in the place of `old`; False, and nothing changes, where the stored record is not `old` now."""

    def delete(self, action_id: str) -> bool:
        """Forget the action and its request_id; False where there is none."""


def open_database(url: str) -> Database:
    """The database that `url` names.

    :raises ValueError: no kind of database has such a URL.
    """
    if url == "memory://":
        from app.database.memory import MemoryDatabase

        return MemoryDatabase()
    raise ValueError(f"{url.partition(':')[0]} is no kind of database that is known here")
