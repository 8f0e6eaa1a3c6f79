"""The contract of a database: what each of them does, whichever it is."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from globus_action_provider_tools import ActionStatusValue

from app.action import CANCELLED, Action, Outcome
from app.database import Database, open_database

NOW = datetime(2026, 1, 1, tzinfo=UTC)
END = NOW + timedelta(minutes=1)
GONE = END + timedelta(days=1)


@pytest.fixture(params=["memory"])
def database(request: pytest.FixtureRequest) -> Database:
    return open_database(f"{request.param}://")


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
