"""The contract of a database, tested on every kind of database."""

from __future__ import annotations

import dataclasses
import json
import re
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import orjson
import pytest

from app.action import life_cycle
from app.action.record import CANCELLED, DEADLINE_EXCEEDED, Action, LogEntry, Outcome, Progress, Status
from app.action.store import Query
from app.database import Database, open_database, postgresql, sqlite
from app.database.command import Command, Sql
from app.database.sql import SqlDatabase
from app.database.statements import compile_commands

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
        "outcome": Outcome(Status.SUCCEEDED, {"whattimeisit": "2026-01-01T01:00:00+01:00"}),
    }
    return Action(**values | fields)


def test_a_created_action_can_be_read(database: Database) -> None:
    new = action()
    assert database.create(new) is new
    assert database.get("id-1") == new
    assert database.find(new.creator_id, "request-1") == new


def test_an_action_that_was_not_created_does_not_exist(database: Database) -> None:
    database.create(action())
    assert database.get("id-2") is None
    assert database.find(action().creator_id, "request-2") is None
    assert database.find("urn:globus:auth:identity:somebody-else", "request-1") is None
    assert database.delete("id-2") is False


def test_a_second_action_of_one_request_is_not_stored(database: Database) -> None:
    first = action()
    database.create(first)
    assert database.create(action(action_id="id-2", content=b"other")) == first
    assert database.get("id-2") is None


@pytest.mark.parametrize(
    "other", [{"request_id": "request-2"}, {"creator_id": "urn:globus:auth:identity:else"}], ids=str
)
def test_actions_of_other_requests_are_other_actions(database: Database, other: dict[str, str]) -> None:
    first, second = action(), action(action_id="id-2", **other)
    assert database.create(first) is first
    assert database.create(second) is second


def test_a_final_end_cannot_be_changed_by_a_reader_of_an_older_record(database: Database) -> None:
    started = action()
    database.create(started)
    seen = settled(database, "id-1", END)
    assert seen == dataclasses.replace(started, final=True, version=1)
    assert not database.replace(started, life_cycle.cancel(started, NOW))
    assert database.get("id-1") == seen


def test_replace_applies_only_to_the_current_record(database: Database) -> None:
    started = action()
    cancelled = life_cycle.cancel(started, NOW)
    assert not database.replace(started, cancelled)
    database.create(started)
    assert database.replace(started, cancelled)
    assert not database.replace(started, cancelled)
    assert database.get("id-1") == cancelled


def test_delete_forgets_the_action_and_its_request_once(database: Database) -> None:
    database.create(action())
    assert database.delete("id-1") is True
    assert database.delete("id-1") is False
    assert database.get("id-1") is None
    assert not database.replace(action(), action())
    again = action(action_id="id-2")
    assert database.create(again) is again


def test_an_expired_action_is_there_until_it_is_dropped(database: Database) -> None:
    expired = action()
    database.create(expired)
    again = action(action_id="id-2", start_time=GONE, completion_time=GONE + timedelta(minutes=1))
    assert database.create(again) == expired
    assert [dropped.action_id for dropped in database.purge(GONE, 10)] == ["id-1"]
    assert database.create(again) is again
    assert database.get("id-1") is None


def progress(**fields: Any) -> Progress:
    values: dict[str, Any] = {
        "body": {"text": "é😀", "numbers": [1.5, None]},
        "deadline": END,
        "state": {"job": "7"},
        "details": {"done": 1},
        "display_status": "running",
        "due": NOW + timedelta(seconds=10),
        "attempt": 3,
        "acts_as_caller": True,
        "pending": ("cancel", "release"),
        "cleans_up": True,
        "entries": (LogEntry(NOW, "ACTIVE", "running", {"done": 1}),),
    }
    return Progress(**values | fields)


@pytest.mark.parametrize("fields", [{}, {"inactive": True, "due": None, "pending": (), "entries": ()}], ids=str)
def test_the_state_of_work_elsewhere_is_stored_unchanged(database: Database, fields: dict[str, Any]) -> None:
    new = action(progress=progress(**fields), completion_time=None, outcome=None, version=5)
    database.create(new)
    assert database.get("id-1") == new


def test_due_actions_are_found_longest_due_first(database: Database) -> None:
    for number in range(5):
        due = NOW + timedelta(seconds=10 - number)
        there = progress(due=due, acts_as_caller=False, deadline=None)
        database.create(action(action_id=f"id-{number}", request_id=f"{number}", progress=there, completion_time=None))
    database.create(action(action_id="planned", request_id="planned"))
    assert database.due(NOW, 10) == []
    found = database.due(NOW + timedelta(seconds=8), 10)
    assert [each.action_id for each in found] == ["id-4", "id-3", "id-2"]
    assert [each.action_id for each in database.due(GONE, 2)] == ["id-4", "id-3"]


def test_an_action_with_pending_hooks_is_not_purged(database: Database) -> None:
    database.create(action(progress=progress(), completion_time=None, outcome=None))
    ended = action(action_id="id-2", request_id="2", progress=progress(due=END), final=True)
    database.create(ended)
    assert database.purge(GONE + timedelta(days=1000), 10) == []
    done = dataclasses.replace(ended, progress=progress(pending=(), cleans_up=False, due=None), version=1)
    assert database.replace(ended, done)
    assert database.purge(GONE, 10) == [done]


def test_a_released_action_is_kept_for_its_hooks_and_frees_its_request_id(database: Database) -> None:
    ended = action(progress=progress(pending=()), final=True)
    database.create(ended)
    gone = life_cycle.release(ended, END, timedelta(seconds=30))
    assert database.replace(ended, gone)
    assert database.get("id-1") == gone
    assert database.find(ended.creator_id, ended.request_id) is None
    assert listed(database, END) == []
    again = action(action_id="id-2")
    assert database.create(again) is again
    assert database.delete("id-1")
    assert database.find(again.creator_id, again.request_id) == again


def test_of_simultaneous_claims_one_wins(database: Database) -> None:
    waiting = action(progress=progress(due=NOW, pending=()), completion_time=None, outcome=None)
    database.create(waiting)
    claim = life_cycle.claim(waiting, NOW, timedelta(seconds=30))
    assert sum(race(lambda _: database.replace(waiting, claim))) == 1


def test_many_changes_are_one_write_and_each_has_its_own_fate(database: Database) -> None:
    ids = fill(database, 3)
    stored = [database.get(id_) for id_ in ids]
    actions = [each for each in stored if each is not None]
    assert database.replace(actions[1], life_cycle.cancel(actions[1], NOW))
    changes = [(each, life_cycle.settle(each, GONE)) for each in actions]
    assert list(database.replace_all(changes)) == [True, False, True]
    assert database.replace_all([]) == []
    assert listed(database, END, statuses=frozenset({Status.FAILED})) == [ids[1]]


def test_two_databases_share_nothing(database: Database) -> None:
    other = open_database("memory://")
    other.create(action())
    assert database.get("id-1") is None


def settled(database: Database, action_id: str, now: datetime) -> Action:
    """Return an action with its end made final if it is complete, as the domain does when reading it."""
    found = database.get(action_id)
    assert found is not None
    end = life_cycle.settle(found, now)
    if end is found or database.replace(found, end):
        return end
    return settled(database, action_id, now)


def listed(database: Database, now: datetime = NOW, **fields: Any) -> list[str]:
    """Return the ids of the actions that a query lists, after making final what has ended, as the domain does."""
    values: dict[str, Any] = {
        "principals": frozenset({action().creator_id}),
        "roles": frozenset({"creator_id"}),
        "statuses": frozenset(Status),
        "limit": 100,
    }
    page = database.list(Query(**values | fields), now)
    if page.ended:
        assert all(database.replace_all([(each, life_cycle.settle(each, now)) for each in page.ended]))
        page = database.list(Query(**values | fields), now)
    assert not page.ended
    return [json.loads(document)["action_id"] for document in page.documents]


def fill(database: Database, count: int, **fields: Any) -> list[str]:
    """Create this many actions, a second apart, and return their ids, newest first."""
    for number in range(count):
        start = NOW + timedelta(seconds=number)
        values = {"start_time": start, "completion_time": start + timedelta(minutes=1)} | fields
        database.create(action(action_id=f"id-{number:03}", request_id=f"request-{number}", **values))
    return [f"id-{number:03}" for number in reversed(range(count))]


def test_a_list_comes_in_pages_newest_first(database: Database) -> None:
    ids = fill(database, 10)
    assert listed(database) == ids
    assert listed(database, limit=4) == ids[:4]
    last = database.get(ids[3])
    assert last is not None
    assert listed(database, limit=4, after=last.place) == ids[4:8]


def test_a_page_tells_its_last_place_if_more_actions_follow(database: Database) -> None:
    ids = fill(database, 5)
    last = database.get(ids[2])
    assert last is not None
    everything = Query(frozenset({last.creator_id}), frozenset({"creator_id"}), frozenset(Status), limit=3)
    first = database.list(everything, NOW)
    assert len(first.documents) == 3
    assert first.last == last.place
    second = database.list(dataclasses.replace(everything, after=first.last), NOW)
    assert len(second.documents) == 2
    assert second.last is None
    assert database.list(dataclasses.replace(everything, limit=5), NOW).last is None


STORED = {
    "planned": action(),
    "planned, with another estimate": action(estimate=END - timedelta(seconds=1, microseconds=5), label=None),
    "final": life_cycle.settle(action(), END),
    "canceled": life_cycle.cancel(action(), NOW + timedelta(microseconds=7)),
    "kept for an odd time": action(release_after=timedelta(days=1, seconds=3601, microseconds=5)),
    "elsewhere": action(progress=progress(), completion_time=None, outcome=None),
    "elsewhere, with a deadline": action(progress=progress(display_status=None), outcome=DEADLINE_EXCEEDED),
    "waiting": action(progress=progress(inactive=True, display_status=None), completion_time=None, outcome=None),
}
"""Records in each state, none of which has an end that is not final at NOW."""


@pytest.mark.parametrize("state", STORED)
def test_a_list_shows_what_a_status_shows(database: Database, state: str) -> None:
    database.create(STORED[state])
    shown = json.loads(listed_documents(database, STORED[state].creator_id)[0])
    assert shown == json.loads(orjson.dumps(STORED[state].view(NOW)))


def test_a_list_shows_each_change(database: Database) -> None:
    old = action(progress=progress(), completion_time=None, outcome=None)
    database.create(old)
    for version, details in enumerate(({"done": 2}, {"done": 3}), start=1):
        new = dataclasses.replace(old, version=version, progress=progress(details=details))
        assert database.replace(old, new)
        assert json.loads(listed_documents(database, old.creator_id)[0])["details"] == details
        old = new
    assert database.replace_all([(old, life_cycle.cancel(old, NOW))]) == [True]
    assert json.loads(listed_documents(database, old.creator_id)[0])["status"] == "FAILED"


def listed_documents(database: Database, creator_id: str) -> Sequence[str]:
    query = Query(frozenset({creator_id}), frozenset({"creator_id"}), frozenset(Status), limit=100)
    page = database.list(query, NOW)
    assert not page.ended
    return page.documents


def test_pages_neither_lose_nor_repeat_while_actions_come_and_go(database: Database) -> None:
    ids = fill(database, 9)
    first = listed(database, limit=3)
    last = database.get(first[-1])
    assert last is not None
    later = action(action_id="id-later", request_id="later", start_time=NOW + timedelta(hours=1), completion_time=GONE)
    database.create(later)
    database.delete(first[-1])
    assert listed(database, limit=100, after=last.place) == ids[3:]


def test_actions_of_the_same_moment_have_an_order(database: Database) -> None:
    ids = fill(database, 6, start_time=NOW, completion_time=END)
    assert listed(database) == ids
    last = database.get(ids[2])
    assert last is not None
    assert listed(database, after=last.place) == ids[3:]


def test_a_list_uses_the_current_status_of_an_action(database: Database) -> None:
    fill(database, 2)
    failing = action(action_id="id-failing", request_id="failing", outcome=CANCELLED)
    database.create(failing)
    of = {status: frozenset({status}) for status in Status}
    active, succeeded, failed = (of[Status[name]] for name in ("ACTIVE", "SUCCEEDED", "FAILED"))
    assert listed(database, NOW, statuses=active) == ["id-001", "id-failing", "id-000"]
    assert listed(database, NOW, statuses=succeeded | failed) == []
    assert listed(database, END, statuses=active) == ["id-001"]
    assert listed(database, END, statuses=succeeded) == ["id-000"]
    assert listed(database, END, statuses=failed) == ["id-failing"]
    assert listed(database, END) == ["id-001", "id-failing", "id-000"]
    assert listed(database, END, statuses=of[Status.INACTIVE]) == []


def test_what_a_list_shows_as_complete_is_final(database: Database) -> None:
    started = action()
    database.create(started)
    assert listed(database, END) == ["id-1"]
    assert not database.replace(started, life_cycle.cancel(started, NOW))


@pytest.mark.parametrize("status", list(Status))
def test_what_a_list_passes_over_as_complete_is_final(database: Database, status: Status) -> None:
    started = action()
    database.create(started)
    listed(database, END, statuses=frozenset({status}))
    assert not database.replace(started, life_cycle.cancel(started, NOW))


def test_a_list_shows_only_actions_in_which_the_caller_has_a_role(database: Database) -> None:
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
    assert database.purge(GONE - timedelta(microseconds=1), 100) == []
    assert len(database.purge(GONE + timedelta(seconds=6), 4)) == 4
    assert len(database.purge(GONE + timedelta(seconds=6), 4)) == 3
    assert len(database.purge(GONE + timedelta(seconds=6), 4)) == 0
    assert listed(database, NOW) == ids[:3]
    assert database.get(ids[0]) is not None
    assert database.get(ids[9]) is None


def test_purge_counts_from_the_actual_end_of_an_action(database: Database) -> None:
    started = action()
    database.create(started)
    assert database.replace(started, life_cycle.cancel(started, NOW))
    assert len(database.purge(NOW + timedelta(days=1), 10)) == 1


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_no_statement_reads_through_a_table(database_url: str) -> None:
    database = cast(SqlDatabase, open_database(database_url))
    commands = compile_commands(sqlite.DIALECT if database_url.startswith("sqlite") else postgresql.DIALECT)
    plans = {
        field.name: [explain(database, sql) for sql in (command.first, command.second) if sql is not None]
        for field in dataclasses.fields(commands)
        if (command := getattr(commands, field.name)) not in (None, commands.check)
    }
    for name in ("get", "find", "list", "replace", "purge", "due", "delete", "release", "replace_all"):
        assert re.search(r"SEARCH (actions|.*ix_action)|Index .*Scan .*on action", "".join(plans[name])), plans[name]
    read_through = r"SCAN action|Seq Scan on action|Hash Join|Merge Join"
    assert [plan for each in plans.values() for plan in each if re.search(read_through, plan)] == []
    database.close()


def explain(database: SqlDatabase, sql: Sql) -> str:
    """Return the plan of a statement."""
    explain = "EXPLAIN QUERY PLAN" if database._writing is not database._reading else "EXPLAIN"
    numbers = ("old", "version", "purge_time", "due", "now", "limit", "before_time", "start_time", "ends", "expiry")
    values: dict[str, Any] = dict.fromkeys(sql.names, "[]") | dict.fromkeys(numbers, 10) | {"request_digest": b""}
    command = Command(Sql(f"{explain} {sql.text}", sql.names), None, writes=False)
    rows, _ = database._reading.execute(command, values)
    return "\n".join(str(row[-1]) for row in rows)


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_each_operation_is_one_command(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    database = open_database(database_url)
    asked: list[Command] = []
    attempt = SqlDatabase._attempt

    def record(self: SqlDatabase, command: Command, values: dict[str, Any]) -> Any:
        asked.append(command)
        return attempt(self, command, values)

    monkeypatch.setattr(SqlDatabase, "_attempt", record)

    def count(work: Callable[[], Any]) -> int:
        asked.clear()
        work()
        return len(asked)

    started = action()
    assert count(lambda: database.create(started)) == 1
    assert count(lambda: database.create(action(action_id="id-2"))) == 2
    assert count(lambda: database.get("id-1")) == 1
    assert count(lambda: listed(database)) == 1
    assert count(lambda: database.replace(started, life_cycle.cancel(started, NOW))) == 1
    assert count(lambda: database.delete("id-1")) == 1
    fill(database, 5)
    assert count(lambda: listed(database, GONE)) == 3
    assert count(lambda: listed(database, GONE)) == 1
    assert count(lambda: database.purge(GONE, 10)) == 1
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
    assert len(database.purge(GONE, 1000)) == 100
    database.close()
    assert (tmp_path / "actions.db").stat().st_size < empty + 100_000


@pytest.mark.parametrize("text", ["", "x" * 60_000, "é😀\u2028", "'; DROP TABLE actions; --", "%_\\", "\x01\x7f"])
def test_every_text_is_stored_as_it_is(database: Database, text: str) -> None:
    new = action(request_id=text, label=text, outcome=Outcome(Status.FAILED, {"message": text, "n": [1.5, None]}))
    database.create(new)
    assert database.get("id-1") == new
    assert database.find(new.creator_id, text) == new


@pytest.mark.parametrize("action_id", ["", "\0", "x" * 100_000, "é😀"])
def test_odd_ids_are_not_found(database: Database, action_id: str) -> None:
    assert database.get(action_id) is None


def test_of_simultaneous_creations_one_wins(database: Database) -> None:
    answers = race(lambda number: database.create(action(action_id=f"id-{number}")).action_id)
    assert len(set(answers)) == 1
    assert sum(database.get(f"id-{number}") is not None for number in range(RACERS)) == 1


def test_of_simultaneous_changes_one_wins(database: Database) -> None:
    started = action()
    database.create(started)

    def change(number: int) -> Any:
        if number % 2:
            return database.replace(started, life_cycle.cancel(started, NOW))
        return settled(database, "id-1", END).outcome

    answers = race(change)
    last = settled(database, "id-1", END)
    assert answers.count(True) == (last.outcome == CANCELLED)
    assert {str(answer) for answer in answers if not isinstance(answer, bool)} == {str(last.outcome)}


def test_of_simultaneous_deletions_one_wins(database: Database) -> None:
    database.create(action())
    assert sum(race(lambda _: database.delete("id-1"))) == 1


RACERS = 16


def race(work: Callable[[int], Any]) -> list[Any]:
    """Return what `work` returns in each of RACERS threads that start together."""
    barrier = threading.Barrier(RACERS)

    def run(number: int) -> Any:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(RACERS) as pool:
        return list(pool.map(run, range(RACERS)))
