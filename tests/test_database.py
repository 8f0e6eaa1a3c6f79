"""The contract of a database: what each of them does, whichever it is."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from globus_action_provider_tools import ActionStatusValue
from sqlalchemy import event

from app.action import CANCELLED, Action, Outcome
from app.database import Database, Query, open_database, place
from app.database.sql import SqlDatabase

NOW = datetime(2026, 1, 1, tzinfo=UTC)
END = NOW + timedelta(minutes=1)
GONE = END + timedelta(days=1)


def action(**fields: Any) -> Action:
    values: dict[str, Any] = {
        "action_id": "id-1",
        "creator_id": "urn:globus:auth:identity:11111111-2222-4333-8444-555555555555",
        "request_id": "request-1",
        "content": b"0123456789abcdef",
        "label": "é😀",
        "monitor_by": ("urn:globus:groups:id:11111111-2222-4333-8444-555555555555",),
        "manage_by": (),
        "start_time": NOW,
        "completion_time": END,
        "release_after": timedelta(days=1),
        "outcome": Outcome(ActionStatusValue.SUCCEEDED, {"whattimeisit": "2026-01-01T01:00:00+01:00"}),
    }
    return Action(**values | fields)


def test_what_is_created_can_be_had(database: Database) -> None:
    new = action()
    assert database.create(new) is new
    assert database.get("id-1", NOW) == new
    assert database.find(new.creator_id, "request-1", NOW) == new


def test_what_was_not_created_is_not_there(database: Database) -> None:
    database.create(action())
    assert database.get("id-2", NOW) is None
    assert database.find(action().creator_id, "request-2", NOW) is None
    assert database.find("urn:globus:auth:identity:somebody-else", "request-1", NOW) is None
    assert database.delete("id-2") is False


def test_a_second_action_of_one_request_is_not_stored(database: Database) -> None:
    first = action()
    database.create(first)
    assert database.create(action(action_id="id-2", content=b"other")) == first
    assert database.get("id-2", NOW) is None


@pytest.mark.parametrize(
    "other", [{"request_id": "request-2"}, {"creator_id": "urn:globus:auth:identity:else"}], ids=str
)
def test_actions_of_other_requests_are_other_actions(database: Database, other: dict[str, str]) -> None:
    first, second = action(), action(action_id="id-2", **other)
    assert database.create(first) is first
    assert database.create(second) is second


def test_a_complete_action_is_final_once_it_was_read(database: Database) -> None:
    started = action()
    database.create(started)
    seen = database.get("id-1", END)
    assert seen == dataclasses.replace(started, final=True)
    assert not database.replace(started, dataclasses.replace(started, outcome=CANCELLED, final=True))
    assert database.get("id-1", NOW) == seen


@pytest.mark.parametrize("way", ["find", "create"])
def test_every_way_of_reading_makes_a_complete_action_final(database: Database, way: str) -> None:
    started = action()
    database.create(started)
    if way == "find":
        seen = database.find(started.creator_id, started.request_id, END)
    else:
        seen = database.create(action(action_id="id-2", start_time=END))
    assert seen == dataclasses.replace(started, final=True)
    assert not database.replace(started, dataclasses.replace(started, outcome=CANCELLED, final=True))


def test_replace_takes_only_the_record_as_it_is(database: Database) -> None:
    started = action()
    cancelled = dataclasses.replace(started, completion_time=NOW, outcome=CANCELLED, final=True)
    assert not database.replace(started, cancelled)
    database.create(started)
    assert database.replace(started, cancelled)
    assert not database.replace(started, cancelled)
    assert database.get("id-1", NOW) == cancelled


def test_delete_forgets_the_action_and_its_request_once(database: Database) -> None:
    database.create(action())
    assert database.delete("id-1") is True
    assert database.delete("id-1") is False
    assert database.get("id-1", NOW) is None
    assert not database.replace(action(), action())
    again = action(action_id="id-2")
    assert database.create(again) is again


def test_an_expired_action_is_not_there(database: Database) -> None:
    database.create(action())
    assert database.get("id-1", GONE - timedelta(microseconds=1)) is not None
    assert database.get("id-1", GONE) is None
    assert database.find(action().creator_id, "request-1", GONE) is None
    again = action(action_id="id-2", start_time=GONE, completion_time=GONE + timedelta(minutes=1))
    assert database.create(again) is again
    assert database.get("id-1", NOW) is None
    assert database.find(action().creator_id, "request-1", GONE) == again


def test_two_databases_share_nothing(database: Database) -> None:
    other = open_database("memory://")
    other.create(action())
    assert database.get("id-1", NOW) is None


def listed(database: Database, now: datetime = NOW, **fields: Any) -> list[str]:
    """The ids of the actions that a query finds."""
    values: dict[str, Any] = {
        "principals": frozenset({action().creator_id}),
        "roles": frozenset({"creator_id"}),
        "statuses": frozenset(ActionStatusValue),
        "limit": 100,
    }
    return [found.action_id for found in database.list(Query(**values | fields), now)]


def fill(database: Database, count: int, **fields: Any) -> list[str]:
    """So many actions, each a second after the one before it; their ids, the newest first."""
    for number in range(count):
        start = NOW + timedelta(seconds=number)
        values = {"start_time": start, "completion_time": start + timedelta(minutes=1)} | fields
        database.create(action(action_id=f"id-{number:03}", request_id=f"request-{number}", **values))
    return [f"id-{number:03}" for number in reversed(range(count))]


def test_a_list_has_the_newest_first_in_pages(database: Database) -> None:
    ids = fill(database, 10)
    assert listed(database) == ids
    assert listed(database, limit=4) == ids[:4]
    last = database.get(ids[3], NOW)
    assert last is not None
    assert listed(database, limit=4, after=place(last)) == ids[4:8]


def test_pages_neither_lose_nor_repeat_while_actions_come_and_go(database: Database) -> None:
    ids = fill(database, 9)
    first = listed(database, limit=3)
    last = database.get(first[-1], NOW)
    assert last is not None
    later = action(action_id="id-later", request_id="later", start_time=NOW + timedelta(hours=1), completion_time=GONE)
    database.create(later)
    database.delete(first[-1])
    assert listed(database, limit=100, after=place(last)) == ids[3:]


def test_actions_of_the_same_moment_have_an_order(database: Database) -> None:
    ids = fill(database, 6, start_time=NOW, completion_time=END)
    assert listed(database) == ids
    last = database.get(ids[2], NOW)
    assert last is not None
    assert listed(database, after=place(last)) == ids[3:]


def test_a_list_goes_by_what_an_action_is_now(database: Database) -> None:
    fill(database, 2)
    failing = action(action_id="id-failing", request_id="failing", outcome=CANCELLED)
    database.create(failing)
    of = {status: frozenset({status}) for status in ActionStatusValue}
    active, succeeded, failed = (of[ActionStatusValue[name]] for name in ("ACTIVE", "SUCCEEDED", "FAILED"))
    assert listed(database, NOW, statuses=active) == ["id-001", "id-failing", "id-000"]
    assert listed(database, NOW, statuses=succeeded | failed) == []
    assert listed(database, END, statuses=active) == ["id-001"]
    assert listed(database, END, statuses=succeeded) == ["id-000"]
    assert listed(database, END, statuses=failed) == ["id-failing"]
    assert listed(database, END) == ["id-001", "id-failing", "id-000"]
    assert listed(database, END, statuses=of[ActionStatusValue.INACTIVE]) == []


def test_what_a_list_shows_complete_is_final(database: Database) -> None:
    started = action()
    database.create(started)
    assert listed(database, END) == ["id-1"]
    assert not database.replace(started, dataclasses.replace(started, outcome=CANCELLED, final=True))


def test_a_list_is_for_who_has_a_role_in_an_action(database: Database) -> None:
    monitor, manager, nobody = (f"urn:globus:auth:identity:{name}" for name in ("monitor", "manager", "nobody"))
    database.create(action(monitor_by=(monitor,), manage_by=(manager, monitor)))
    creator = action().creator_id

    def sees(principals: set[str], *roles: str) -> bool:
        return listed(database, principals=frozenset(principals), roles=frozenset(roles)) == ["id-1"]

    assert sees({creator}, "creator_id")
    assert not sees({creator}, "monitor_by", "manage_by")
    assert sees({monitor}, "monitor_by")
    assert sees({monitor}, "manage_by")
    assert sees({manager}, "creator_id", "manage_by")
    assert not sees({manager}, "monitor_by")
    assert sees({nobody, manager, monitor, creator}, "creator_id", "monitor_by", "manage_by")
    assert not sees({nobody}, "creator_id", "monitor_by", "manage_by")
    assert not sees(set(), "creator_id")


def test_a_list_for_many_principals_is_one_list(database: Database) -> None:
    groups = [f"urn:globus:groups:id:{number}" for number in range(700)]
    for number in (1, 350, 699):
        start = NOW + timedelta(seconds=number)
        database.create(
            action(action_id=f"id-{number}", request_id=str(number), start_time=start, monitor_by=(groups[number],))
        )
    both = frozenset({"creator_id", "monitor_by"})
    assert listed(database, principals=frozenset(groups), roles=both, limit=2) == ["id-699", "id-350"]


def test_a_list_leaves_out_what_has_expired_or_been_deleted(database: Database) -> None:
    ids = fill(database, 3)
    database.delete(ids[1])
    assert listed(database, GONE) == [ids[0]]
    assert listed(database, GONE + timedelta(hours=1)) == []


def test_purge_drops_what_has_expired_in_batches(database: Database) -> None:
    ids = fill(database, 10)
    assert database.purge(GONE - timedelta(microseconds=1), 100) == 0
    assert database.purge(GONE + timedelta(seconds=6), 4) == 4
    assert database.purge(GONE + timedelta(seconds=6), 4) == 3
    assert database.purge(GONE + timedelta(seconds=6), 4) == 0
    assert listed(database, NOW) == ids[:3]
    assert database.get(ids[0], NOW) is not None
    assert database.get(ids[9], NOW) is None


def test_purge_goes_by_the_end_that_an_action_had(database: Database) -> None:
    started = action()
    database.create(started)
    cancelled = dataclasses.replace(started, completion_time=NOW, outcome=CANCELLED, final=True)
    assert database.replace(started, cancelled)
    assert database.purge(NOW + timedelta(days=1), 10) == 1


def test_no_statement_reads_through_a_table(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/actions.db")
    engine = cast(SqlDatabase, database)._engine
    asked: list[tuple[str, Any]] = []
    event.listen(engine, "before_cursor_execute", lambda _c, _k, sql, values, *_: asked.append((sql, values)))
    ids = fill(database, 5)
    listed(database, statuses=frozenset({ActionStatusValue.ACTIVE}))
    listed(database, END, limit=2, after=(NOW + timedelta(seconds=3), ids[1]))
    database.get(ids[0], GONE - timedelta(hours=1))
    database.find(action().creator_id, "request-1", NOW)
    database.replace(action(), action())
    database.delete(ids[1])
    database.purge(GONE, 2)
    with engine.connect() as connection:
        plans = [
            str(step.detail)
            for sql, values in list(asked)
            if sql.startswith(("SELECT", "UPDATE", "DELETE"))
            for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)
        ]
    assert any("SEARCH actions" in plan for plan in plans)
    assert [plan for plan in plans if plan.startswith(("SCAN actions", "SCAN concerned"))] == []
    database.close()


def test_a_sqlite_file_shrinks_with_what_is_in_it(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/actions.db")
    empty = (tmp_path / "actions.db").stat().st_size
    for number in range(100):
        database.create(action(action_id=f"id-{number}", request_id=f"{number}" + "x" * 20_000))
    database.close()
    full = (tmp_path / "actions.db").stat().st_size
    assert full > empty + 2_000_000
    database = open_database(f"sqlite:///{tmp_path}/actions.db")
    assert database.purge(GONE, 1000) == 100
    database.close()
    assert (tmp_path / "actions.db").stat().st_size < empty + 100_000


@pytest.mark.parametrize("text", ["", "x" * 60_000, "é😀\u2028", "'; DROP TABLE actions; --", "%_\\", "\x01\x7f"])
def test_every_text_is_stored_as_it_is(database: Database, text: str) -> None:
    new = action(
        request_id=text, label=text, outcome=Outcome(ActionStatusValue.FAILED, {"message": text, "n": [1.5, None]})
    )
    database.create(new)
    assert database.get("id-1", NOW) == new
    assert database.find(new.creator_id, text, NOW) == new


@pytest.mark.parametrize("action_id", ["", "\0", "x" * 100_000, "é😀"])
def test_odd_ids_are_not_there(database: Database, action_id: str) -> None:
    assert database.get(action_id, NOW) is None


def test_of_simultaneous_creations_one_wins(database: Database) -> None:
    answers = race(lambda number: database.create(action(action_id=f"id-{number}")).action_id)
    assert len(set(answers)) == 1
    assert sum(database.get(f"id-{number}", NOW) is not None for number in range(RACERS)) == 1


def test_of_simultaneous_changes_one_wins(database: Database) -> None:
    started = action()
    database.create(started)

    def change(number: int) -> Any:
        if number % 2:
            return database.replace(started, dataclasses.replace(started, outcome=CANCELLED, final=True))
        seen = database.get("id-1", END)
        return seen.outcome if seen else None

    answers = race(change)
    last = database.get("id-1", END)
    assert last is not None
    assert answers.count(True) == (last.outcome == CANCELLED)
    assert {str(answer) for answer in answers if not isinstance(answer, bool)} == {str(last.outcome)}


def test_of_simultaneous_deletions_one_wins(database: Database) -> None:
    database.create(action())
    assert sum(race(lambda _: database.delete("id-1"))) == 1


RACERS = 16


def race(work: Callable[[int], Any]) -> list[Any]:
    """What `work` returns to each of RACERS threads that start together."""
    barrier = threading.Barrier(RACERS)

    def run(number: int) -> Any:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(RACERS) as pool:
        return list(pool.map(run, range(RACERS)))
