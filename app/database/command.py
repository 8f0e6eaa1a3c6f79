"""What the drivers execute for each operation of the store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Sql:
    """A compiled statement, and the names of its parameters in order."""

    text: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Command:
    """The statements of one operation.

    :param first: its rows are the result. If there is a second statement, their first column is the action_id.
    :param second: executed if the first returned rows, with their ids as the parameter `action_ids`.
    """

    first: Sql
    second: Sql | None
    writes: bool


@dataclass(frozen=True, slots=True)
class Commands:
    """All operations of the store. `list_few` is a faster `list`, for SQLite and FEW combinations.

    `replace_record` is for changes that lists do not see, `release` for a record that has been released.
    """

    create: Command
    get: Command
    find: Command
    list: Command
    list_few: Command | None
    replace: Command
    replace_record: Command
    release: Command
    replace_all: Command
    delete: Command
    purge: Command
    due: Command
    check: Command
