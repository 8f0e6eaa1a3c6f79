"""The approval example: an action that waits for a person."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from app.work import Context, Inactive, Job
from examples.approval import work
from tests.own_provider import ALICE, BOB, CAROL, OwnProvider

QUESTION = {"question": "Publish the data set?"}


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnProvider]:
    with closing(OwnProvider(monkeypatch, "examples.approval.work")) as provider:
        yield provider


def test_an_action_waits_however_long_it_takes(provider: OwnProvider) -> None:
    action = provider.alice.run(body=QUESTION)
    provider.clock.tick(days=400)
    waiting = provider.alice.status(action["action_id"])
    assert (waiting["status"], waiting["display_status"]) == ("INACTIVE", "waiting for approval")
    assert waiting["details"]["code"] == "ApprovalRequired"
    assert waiting["details"]["question"] == QUESTION["question"]


def test_a_manager_who_resumes_it_approves(provider: OwnProvider) -> None:
    action = provider.alice.run(body=QUESTION, manage_by=[BOB.urn])
    provider.clock.tick(hours=3)
    approved = provider.bob.resume(action["action_id"], 200)
    assert approved["status"] == "SUCCEEDED"
    assert approved["details"] == {"approved_by": BOB.urn, "approved_at": provider.clock.now.isoformat()}
    assert [entry["code"] for entry in provider.alice.log(action["action_id"])["entries"]] == [
        "STARTED",
        "INACTIVE",
        "ACTIVE",
        "SUCCEEDED",
    ]


def test_a_manager_who_cancels_it_declines(provider: OwnProvider) -> None:
    action = provider.alice.run(body=QUESTION, manage_by=[BOB.urn])
    declined = provider.bob.cancel(action["action_id"])
    assert (declined["status"], declined["details"]["error"]) == ("FAILED", "CANCELLED")
    provider.bob.resume(action["action_id"], 409)


def test_those_who_only_monitor_cannot_approve(provider: OwnProvider) -> None:
    action = provider.alice.run(body=QUESTION, monitor_by=[CAROL.urn])
    assert provider.carol.status(action["action_id"])["status"] == "INACTIVE"
    provider.carol.resume(action["action_id"], 403)
    provider.bob.resume(action["action_id"], 404)


def test_the_person_who_asks_may_approve(provider: OwnProvider) -> None:
    action = provider.alice.run(body=QUESTION)
    assert provider.alice.resume(action["action_id"], 200)["details"]["approved_by"] == ALICE.urn


def test_the_operator_can_demand_another_person(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(OwnProvider(monkeypatch, "examples.approval.work", SELF_APPROVAL="no")) as strict:
        action = strict.alice.run(body=QUESTION, manage_by=[BOB.urn])
        waiting = strict.alice.resume(action["action_id"], 200)
        assert (waiting["status"], waiting["details"]["note"]) == ("INACTIVE", "The person who asks cannot approve.")
        assert strict.bob.resume(action["action_id"], 200)["status"] == "SUCCEEDED"


def test_a_deadline_ends_the_wait(provider: OwnProvider) -> None:
    deadline = provider.clock.now.replace(hour=23)
    action = provider.alice.run(body=QUESTION, deadline=deadline.isoformat())
    provider.clock.tick(hours=12)
    late = provider.alice.status(action["action_id"])
    assert (late["details"]["error"], late["completion_time"]) == ("DEADLINE_EXCEEDED", deadline.isoformat())


def test_an_interrupted_approval_is_asked_for_again(provider: OwnProvider) -> None:
    """A person who reads the action after a crash does not count as the one who approved it."""
    job = Job("id", ALICE.urn, QUESTION, None, provider.clock.now, None, {}, attempt=2)
    context = Context(provider.clock.now, None, {"SELF_APPROVAL": True}, None)  # type: ignore[arg-type]  # unused
    step = work.advance(job, context)
    assert isinstance(step, Inactive)
    assert step.details["note"] == "The approval was interrupted. Please approve again."
