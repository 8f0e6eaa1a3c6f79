"""Tests of TITLE: the work module on the unchanged provider, with a clock that the tests move."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.own_provider import OwnProvider


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnProvider]:
    with closing(OwnProvider(monkeypatch, "examples.template.work", STEP_SECONDS=10)) as provider:
        yield provider


def test_it_counts(provider: OwnProvider) -> None:
    action = provider.alice.run(body={"count_to": 3})
    assert action["display_status"] == "1 of 3"
    provider.clock.tick(seconds=10)
    assert provider.alice.status(action["action_id"])["display_status"] == "2 of 3"
    provider.clock.tick(seconds=10)
    ended = provider.alice.status(action["action_id"])
    assert (ended["status"], ended["details"]) == ("SUCCEEDED", {"counted": 3})


def test_it_can_be_canceled_and_released(provider: OwnProvider) -> None:
    action = provider.alice.run(body={"count_to": 3})
    assert provider.alice.cancel(action["action_id"])["details"]["error"] == "CANCELLED"
    provider.alice.release(action["action_id"])
    provider.alice.status(action["action_id"], 404)


@pytest.mark.parametrize("body", [{}, {"count_to": 0}, {"count_to": "3"}, {"count_to": 13}])
def test_wrong_input_is_refused(provider: OwnProvider, body: object) -> None:
    provider.alice.run(400, body=body)
