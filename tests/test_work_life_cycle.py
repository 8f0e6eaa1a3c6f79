"""The rules of work elsewhere, explored: hooks that take any step, raise, or die, among any order of operations."""

from __future__ import annotations

import dataclasses
import tempfile
from collections import Counter
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from app import create_app
from app.work import Active, Failed, Inactive, Succeeded
from tests import scripted_work
from tests.api import Caller, provider_of
from tests.clock import Clock
from tests.conftest import ALICE, BOB, CREDENTIALS
from tests.patched_auth import patch_globus
from tests.scripted_work import Crash, Script

LEASE = timedelta(seconds=30)
SECRET = {"secret": "s3cr3t"}

steps: st.SearchStrategy[Any] = st.one_of(
    st.builds(
        Active,
        state=st.just(SECRET),
        details=st.fixed_dictionaries({"done": st.integers(0, 9)}),
        display_status=st.sampled_from([None, "queued", "running"]),
        look_after=st.sampled_from([timedelta(0), timedelta(seconds=10)]),
    ),
    st.just(Inactive("Wait", "Please look.", SECRET)),
    st.just(Succeeded({"answer": 42})),
    st.just(Failed("No luck.", "LUCKLESS")),
    st.just(RuntimeError("down")),
    st.just(Crash()),
)
quiet: st.SearchStrategy[Any] = st.sampled_from([None, RuntimeError("down"), Crash()])


@dataclasses.dataclass
class Known:
    """What the model knows about an action."""

    request: dict[str, Any]
    deadline: datetime | None
    action_id: str
    final: dict[str, Any] | None = None
    released: bool = False


class WorkLifeCycle(RuleBasedStateMachine):
    actions: Bundle[Known] = Bundle("actions")
    database_url = "memory://"

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.clock, self.script = Clock(), Script()
        self.patch.setattr(scripted_work, "script", self.script)
        globus = patch_globus(self.patch, scope=CREDENTIALS["SCOPE"])
        self.directory = tempfile.TemporaryDirectory()
        config = {
            **CREDENTIALS,
            "WORK": "tests.scripted_work",
            "LEASE_SECONDS": LEASE.seconds,
            "TOKEN_CACHE_SECONDS": 86400,
            "DATABASE_URL": self.database_url.format(self.directory.name),
        }
        self.app = create_app(config, clock=self.clock, timer=self.clock.timer)
        self.alice, self.bob = (Caller(self.app.test_client(), globus.login(person)) for person in (ALICE, BOB))
        self.known: list[Known] = []
        self.requests = 0

    def teardown(self) -> None:
        self.script.advance.clear()
        self.script.cancel.clear()
        self.script.release.clear()
        self.settle()
        self.check_stops()
        provider_of(self.app).close()
        self.patch.undo()
        self.directory.cleanup()

    @rule(target=actions, first=steps, deadline=st.none() | st.integers(5, 100))
    def run(self, first: Any, deadline: int | None) -> Known:
        self.requests += 1
        end = None if deadline is None else self.clock.now + timedelta(seconds=deadline)
        request: dict[str, Any] = {"request_id": f"request-{self.requests}", "body": SECRET, "manage_by": [BOB.urn]}
        if end is not None:
            request["deadline"] = end.isoformat()
        self.script.advance.insert(0, first)
        try:
            document = self.alice.run(**request)
        except Crash:
            document = self.alice.run(200, **request)
        known = Known(request, end, document["action_id"])
        self.known.append(known)
        self.see(known, document)
        return known

    @rule(step=steps)
    def script_a_step(self, step: Any) -> None:
        self.script.advance.append(step)

    @rule(cancel=quiet, release=quiet)
    def script_the_end(self, cancel: Any, release: Any) -> None:
        self.script.cancel.append(cancel)
        self.script.release.append(release)

    @rule(seconds=st.sampled_from([1, 10, 30, 300]))
    def wait(self, seconds: int) -> None:
        self.clock.tick(seconds=seconds)

    @rule(action=actions, caller=st.sampled_from(["alice", "bob"]))
    def status(self, action: Known, caller: str) -> None:
        with suppress(Crash):
            document = getattr(self, caller).status(action.action_id, 404 if action.released else 200)
            if not action.released:
                self.see(action, document)

    @rule(action=actions)
    def repeat(self, action: Known) -> None:
        if not action.released and (action.deadline is None or action.deadline > self.clock.now):
            with suppress(Crash):
                assert self.alice.run(200, **action.request)["action_id"] == action.action_id

    @rule(action=actions, operation=st.sampled_from(["cancel", "resume", "release"]))
    def change(self, action: Known, operation: str) -> None:
        path = f"/{action.action_id}/{operation}"
        with suppress(Crash):
            response = self.bob._client.post(path, headers=self.bob._headers)
            assert response.status_code in ((404,) if action.released else (200, 409))
            if response.status_code == 200 and operation == "release":
                assert action.final in (None, response.json)
                action.released = True
            elif response.status_code == 200:
                self.see(action, response.json)
            return
        if operation == "release":  # it may have happened although the answer was lost
            stored = provider_of(self.app).actions.get(action.action_id)
            action.released = stored is None or stored.is_expired(self.clock.now)

    @rule()
    def advance(self) -> None:
        with suppress(Crash):
            provider_of(self.app).actions.advance_due(self.clock.now)

    @invariant()
    def lists_agree(self) -> None:
        shown = self.alice.enumerate(status="active,inactive,succeeded,failed")
        assert "s3cr3t" not in str(shown)
        by_id = {document["action_id"]: document for document in shown}
        for action in self.known:
            assert (action.action_id in by_id) is not action.released
            if not action.released:
                self.see(action, by_id[action.action_id])

    def see(self, action: Known, document: Any) -> None:
        """Check that an action that was seen complete has not changed."""
        assert "s3cr3t" not in str(document)
        if action.final is not None:
            assert document == action.final
        elif document["status"] in ("SUCCEEDED", "FAILED"):
            action.final = document
            if action.deadline is not None:
                assert datetime.fromisoformat(document["completion_time"]) <= action.deadline

    def settle(self) -> None:
        """Let time pass until nothing is pending."""
        database = provider_of(self.app).database
        for _ in range(100):
            self.clock.tick(minutes=6)
            provider_of(self.app).actions.advance_due(self.clock.now)
            if not database.due(self.clock.now + timedelta(hours=1), 1):
                return
        raise AssertionError("something is pending forever")

    def check_stops(self) -> None:
        """Check that work was stopped and cleaned up if it had to be, and that ended work was not advanced."""
        calls = {name: Counter(job.action_id for job in self.script.jobs(name)) for name in ("cancel", "release")}
        for action in self.known:
            error = (action.final or {}).get("details", {}).get("error")
            if error in ("CANCELLED", "DEADLINE_EXCEEDED"):
                assert calls["cancel"][action.action_id] >= 1
            if action.released:
                assert calls["release"][action.action_id] >= 1


WorkLifeCycle.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestWorkLifeCycle = WorkLifeCycle.TestCase


class WorkLifeCycleOnSqlite(WorkLifeCycle):
    database_url = "sqlite:///{}/actions.db"


WorkLifeCycleOnSqlite.TestCase.settings = settings(max_examples=10, stateful_step_count=30, deadline=None)
TestWorkLifeCycleOnSqlite = WorkLifeCycleOnSqlite.TestCase
