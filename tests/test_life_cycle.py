"""The rules of an action, explored: any order of run, repeat, wait, status, cancel and release by any of three people.

A model tracks what the rules require. After every step, the provider must agree with it.
"""

from __future__ import annotations

import dataclasses
import tempfile
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule

from app import create_app
from tests.api import Caller, provider_of
from tests.clock import Clock
from tests.conftest import ALICE, BOB, CAROL, CREDENTIALS, GROUP
from tests.patched_auth import Person, patch_globus

PEOPLE = (ALICE, BOB, CAROL)
PRINCIPALS = {ALICE.urn: {ALICE}, BOB.urn: {BOB}, CAROL.urn: {CAROL}, GROUP: {BOB}}

people = st.sampled_from(PEOPLE)
principals = st.lists(st.sampled_from(sorted(PRINCIPALS)), unique=True, max_size=2)


@dataclasses.dataclass
class Known:
    """What the model knows about an action."""

    creator: Person
    request_id: str
    fields: dict[str, Any]
    content: dict[str, Any]
    started: dict[str, Any]
    end: datetime
    release_after: timedelta
    final: dict[str, Any] | None = None
    released: bool = False

    def allowed(self, field: str) -> set[Person]:
        named = self.fields.get(field, [])
        return {self.creator}.union(*(PRINCIPALS[principal] for principal in named))

    def managers(self) -> set[Person]:
        return self.allowed("manage_by")

    def readers(self) -> set[Person]:
        return self.allowed("monitor_by") | self.managers()


class LifeCycle(RuleBasedStateMachine):
    actions: Bundle[Known] = Bundle("actions")
    database_url = "memory://"

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.clock = Clock()
        globus = patch_globus(self.patch, scope=CREDENTIALS["SCOPE"])
        self.directory = tempfile.TemporaryDirectory()
        settings = {"DATABASE_URL": self.database_url.format(self.directory.name), "TOKEN_CACHE_SECONDS": 86400}
        app = self.app = create_app({**CREDENTIALS, "RANDOM_SEED": 1, **settings}, clock=self.clock)
        self.callers = {person: Caller(app.test_client(), globus.login(person)) for person in PEOPLE}
        self.known: list[Known] = []
        self.requests: dict[tuple[Person, str], Known] = {}

    def teardown(self) -> None:
        self.patch.undo()
        provider_of(self.app).close()
        self.directory.cleanup()

    def gone(self, action: Known) -> bool:
        return action.released or self.clock.now >= action.end + action.release_after

    def complete(self, action: Known) -> bool:
        return self.clock.now >= action.end

    @rule(
        target=actions,
        person=people,
        request_id=st.sampled_from("abc"),
        monitor_by=principals,
        manage_by=principals,
        deadline=st.none() | st.integers(1, 600),
        hours=st.sampled_from([0, 1, 24]),
    )
    def run(  # noqa: PLR0917  # hypothesis passes them by name
        self,
        person: Person,
        request_id: str,
        monitor_by: list[str],
        manage_by: list[str],
        deadline: int | None,
        hours: int,
    ) -> Any:
        fields: dict[str, Any] = {"monitor_by": monitor_by, "manage_by": manage_by, "release_after": f"PT{hours}H"}
        if deadline is not None:
            fields["deadline"] = (self.clock.now + timedelta(seconds=deadline)).isoformat()
        content = {name: set(value) if isinstance(value, list) else value for name, value in fields.items()}
        earlier = self.requests.get((person, request_id))
        if earlier is not None and not self.gone(earlier):
            expect = 200 if earlier.content == content else 409
            self.callers[person].run(expect, request_id=request_id, **fields)
            return multiple()
        started = self.callers[person].run(request_id=request_id, **fields)
        end = datetime.fromisoformat(started["details"]["estimated_completion_time"])
        if deadline is not None:
            end = min(end, self.clock.now + timedelta(seconds=deadline))
        new = Known(person, request_id, fields, content, started, end, timedelta(hours=hours))
        self.known.append(new)
        self.requests[person, request_id] = new
        return new

    @rule(action=actions)
    def repeat(self, action: Known) -> None:
        if not self.gone(action):
            again = self.callers[action.creator].run(200, request_id=action.request_id, **action.fields)
            assert again["action_id"] == action.started["action_id"]

    @rule(seconds=st.sampled_from([1, 60, 900, 3600, 86400]))
    def wait(self, seconds: int) -> None:
        self.clock.tick(seconds=seconds)

    @rule(action=actions)
    def wait_for_the_end(self, action: Known) -> None:
        self.clock.now = max(self.clock.now, action.end)

    @rule(action=actions, person=people)
    def status(self, action: Known, person: Person) -> None:
        action_id = action.started["action_id"]
        if self.gone(action) or person not in action.readers():
            self.callers[person].status(action_id, 404)
            self.callers[person].log(action_id, 404)
            return
        document = self.callers[person].status(action_id)
        entries = self.callers[person].log(action_id)["entries"]
        if not self.complete(action):
            assert document == action.started
            assert len(entries) == 1
        else:
            assert document["status"] in ("SUCCEEDED", "FAILED")
            assert document["completion_time"] == action.end.isoformat()
            assert entries[-1]["time"] == action.end.isoformat()
            action.final = action.final or document
            assert document == action.final

    @rule(person=people, role=st.sampled_from(["creator_id", "monitor_by", "manage_by"]))
    def enumerate_actions(self, person: Person, role: str) -> None:
        query = {"roles": role, "status": "active,succeeded,failed"}
        shown = self.callers[person].request("GET", "/actions", 200, query_string=query)
        expected = [known for known in self.known if not self.gone(known) and self.has_role(person, role, known)]
        assert {document["action_id"] for document in shown} == {known.started["action_id"] for known in expected}
        assert shown == sorted(
            shown, key=lambda document: (document["start_time"], document["action_id"]), reverse=True
        )
        for known in expected:
            if self.complete(known):
                (document,) = (each for each in shown if each["action_id"] == known.started["action_id"])
                known.final = known.final or document
                assert document == known.final

    def has_role(self, person: Person, role: str, action: Known) -> bool:
        named = action.fields.get(role)
        return person in set().union(*(PRINCIPALS[each] for each in named)) if named else person == action.creator

    @rule(action=actions, person=people)
    def cancel(self, action: Known, person: Person) -> None:
        expect = self.expected_for_managers(action, person, 200 if not self.complete(action) else 409)
        document = self.callers[person].cancel(action.started["action_id"], expect)
        if expect == 200:
            assert document["details"]["error"] == "CANCELLED"
            action.end, action.final = self.clock.now, document

    @rule(action=actions, person=people)
    def release(self, action: Known, person: Person) -> None:
        expect = self.expected_for_managers(action, person, 200 if self.complete(action) else 409)
        document = self.callers[person].release(action.started["action_id"], expect)
        if expect == 200:
            assert action.final in (None, document)
            action.released = True

    def expected_for_managers(self, action: Known, person: Person, otherwise: int) -> int:
        if self.gone(action) or person not in action.readers():
            return 404
        return otherwise if person in action.managers() else 403

    @invariant()
    def what_is_gone_stays_gone(self) -> None:
        for action in self.known:
            if self.gone(action):
                self.callers[action.creator].status(action.started["action_id"], 404)


LifeCycle.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
TestLifeCycle = LifeCycle.TestCase


class LifeCycleOnSqlite(LifeCycle):
    database_url = "sqlite:///{}/actions.db"


LifeCycleOnSqlite.TestCase.settings = settings(max_examples=15, stateful_step_count=30, deadline=None)
TestLifeCycleOnSqlite = LifeCycleOnSqlite.TestCase
