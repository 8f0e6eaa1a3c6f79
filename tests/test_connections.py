"""Connections to a database that dies, goes silent, or loses its answers."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from app.action import life_cycle
from app.action.error import Unavailable
from app.database import connections, open_database
from app.database.command import Command, Rows, Sql
from app.database.connections import Connection, Connections, Lost, NoAnswer, Silent
from app.database.sql import SqlDatabase
from tests.test_database import NOW, action
from tests.waiting import until

COMMAND = Command(Sql("SELECT 1", ()), None, writes=False)
ANSWER: Rows = [(1,)]


class FakeConnection:
    """Executes by calling `work`."""

    def __init__(self, work: Callable[[], Rows]) -> None:
        self._work = work
        self.usable = True

    def execute(self, command: Command, parameters: Mapping[str, Any]) -> Rows:
        assert (command, parameters) == (COMMAND, {})
        try:
            return self._work()
        except (Lost, Silent):
            self.usable = False
            raise

    def is_usable(self) -> bool:
        return self.usable

    def close(self) -> None:
        self.usable = False


class FakeDatabase:
    """Counts its connections, and the threads that are in one."""

    def __init__(self) -> None:
        self.opened = 0
        self.inside = 0
        self.most_inside = 0
        self.failure: NoAnswer | None = None
        self.frozen = threading.Event()
        self.thawed = threading.Event()
        self._lock = threading.Lock()

    def connect(self) -> FakeConnection:
        self.opened += 1
        return FakeConnection(self.answer)

    def answer(self) -> Rows:
        with self._lock:
            self.inside += 1
            self.most_inside = max(self.inside, self.most_inside)
        try:
            if self.frozen.is_set():
                assert self.thawed.wait(30)
                raise Silent("no answer")
            if self.failure is not None:
                raise self.failure
            return ANSWER
        finally:
            with self._lock:
                self.inside -= 1


@pytest.fixture
def fake() -> FakeDatabase:
    return FakeDatabase()


def test_a_connection_is_used_again(fake: FakeDatabase) -> None:
    pool = Connections(fake.connect)
    for _ in range(3):
        assert pool.execute(COMMAND, {}) == (ANSWER, False)
    assert fake.opened == 1


def test_a_dead_connection_is_replaced_and_the_command_is_retried_once(fake: FakeDatabase) -> None:
    pool = Connections(fake.connect)
    pool.execute(COMMAND, {})
    answers = iter([Lost("gone"), None])

    def answer() -> Rows:
        failure = next(answers)
        if failure is not None:
            raise failure
        return ANSWER

    fake.answer = answer  # type: ignore[method-assign]  # of later connections
    pool._idle[0]._work = answer  # type: ignore[attr-defined]  # of this one
    assert pool.execute(COMMAND, {}) == (ANSWER, True)
    assert fake.opened == 2


def test_a_database_that_is_gone_is_tried_twice_by_each_call(fake: FakeDatabase) -> None:
    pool = Connections(fake.connect)
    fake.failure = Lost("gone")
    for calls in (1, 2):
        with pytest.raises(Lost):
            pool.execute(COMMAND, {})
        assert fake.opened == 2 * calls
    fake.failure = None
    assert pool.execute(COMMAND, {}) == (ANSWER, False)


def test_after_silence_only_one_call_waits_and_all_others_fail_at_once(fake: FakeDatabase) -> None:
    pool = Connections(fake.connect, size=4)
    fake.failure = Silent("no answer")
    with pytest.raises(Silent):
        pool.execute(COMMAND, {})
    fake.frozen.set()
    with ThreadPoolExecutor(32) as threads:
        calls = [threads.submit(pool.execute, COMMAND, {}) for _ in range(32)]
        until(lambda: sum(call.done() for call in calls) == 31, "31 answers")
        assert fake.inside == 1
        fake.frozen.clear()
        fake.failure = None
        fake.thawed.set()
    assert all(isinstance(call.exception(), NoAnswer) for call in calls)
    assert pool.execute(COMMAND, {}) == (ANSWER, False)
    assert pool._silence is None


def test_no_more_threads_than_connections_wait_for_a_silent_database(
    fake: FakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "LOOK_SECONDS", 0.01)
    pool = Connections(fake.connect, size=4)
    fake.frozen.set()
    with ThreadPoolExecutor(32) as threads:
        calls = [threads.submit(pool.execute, COMMAND, {}) for _ in range(32)]
        until(lambda: sum(call.done() for call in calls) == 28, "28 answers")
        assert fake.inside == 4
        fake.thawed.set()
    assert fake.most_inside == 4


def test_a_busy_database_answers_every_call(fake: FakeDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(connections, "QUIET_LOOKS", 100)
    pool = Connections(fake.connect, size=2)
    answer = fake.answer

    def slow() -> Rows:
        threading.Event().wait(0.005)
        return answer()

    fake.answer = slow  # type: ignore[method-assign]
    with ThreadPoolExecutor(32) as threads:
        calls = [threads.submit(pool.execute, COMMAND, {}) for _ in range(320)]
    assert [call.result() for call in calls] == [(ANSWER, False)] * 320
    assert fake.opened == 2


class LosingConnection:
    """Executes, and then dies once."""

    def __init__(self, connection: Connection, losses: list[str]) -> None:
        self._connection = connection
        self._losses = losses
        self._dead = False

    def execute(self, command: Command, parameters: Mapping[str, Any]) -> Rows:
        rows = self._connection.execute(command, parameters)
        if command.writes and self._losses:
            self._dead = True
            raise Lost(self._losses.pop())
        return rows

    def is_usable(self) -> bool:
        return not self._dead and self._connection.is_usable()

    def close(self) -> None:
        self._connection.close()


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_a_write_whose_answer_was_lost_counts_as_done(database_url: str) -> None:
    database = open_database(database_url)
    assert isinstance(database, SqlDatabase)
    losses: list[str] = []
    connect = database._writing._connect
    database._writing._connect = lambda: LosingConnection(connect(), losses)
    started = action()
    losses.append("the answer to create")
    assert database.create(started) is started
    cancelled = life_cycle.cancel(started, NOW)
    losses.append("the answer to replace")
    assert database.replace(started, cancelled)
    assert not database.replace(started, dataclasses.replace(cancelled, label="other"))
    other = action(action_id="id-2", request_id="2")
    database.create(other)
    losses.append("the answer to replace_all")
    assert list(database.replace_all([(other, life_cycle.cancel(other, NOW)), (started, started)])) == [True, False]
    losses.append("the answer to delete")
    with pytest.raises(Unavailable):
        database.delete("id-1")
    assert losses == []
    assert database.get("id-1") is None
    database.close()
