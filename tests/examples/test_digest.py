"""The digest example: a synchronous provider."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from examples.digest import work
from tests.own_provider import OwnProvider


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnProvider]:
    with closing(OwnProvider(monkeypatch, "examples.digest.work")) as provider:
        yield provider


def test_the_response_to_run_has_the_result(provider: OwnProvider) -> None:
    action = provider.alice.run(body=work.EXAMPLE_BODY)
    assert (action["status"], action["details"]) == ("SUCCEEDED", work.EXAMPLE_RESULT)
    assert action["completion_time"] == action["start_time"]
    assert provider.alice.status(action["action_id"]) == action


@pytest.mark.parametrize("algorithm", ["sha256", "sha3_256", "blake2b"])
def test_each_algorithm_digests_the_utf8_bytes(provider: OwnProvider, algorithm: str) -> None:
    details = provider.alice.run(body={"text": "Zürich", "algorithm": algorithm})["details"]
    expected = hashlib.new(algorithm, b"Z\xc3\xbcrich").hexdigest()
    assert details == {"algorithm": algorithm, "digest": expected, "bytes": 7}


@pytest.mark.parametrize("body", [{}, {"text": 1}, {"text": "a", "algorithm": "md5"}, {"text": "a", "x": 1}])
def test_a_body_against_the_schema_is_refused(provider: OwnProvider, body: Any) -> None:
    provider.alice.run(400, body=body)


def test_a_text_that_utf8_cannot_express_is_refused(provider: OwnProvider) -> None:
    raw = '{"request_id": "r", "body": {"text": "\\ud800"}}'
    error = provider.alice.request("POST", "/run", 400, data=raw)
    assert "surrogate" in error["description"] or "Unicode" in error["description"]


def test_the_provider_describes_itself_as_synchronous(provider: OwnProvider) -> None:
    document = provider.alice.introspect()
    assert (document["title"], document["synchronous"]) == ("Digest", True)


def test_a_complete_action_cannot_be_canceled_or_resumed_but_released(provider: OwnProvider) -> None:
    action = provider.alice.run(body=work.EXAMPLE_BODY)
    provider.alice.cancel(action["action_id"], 409)
    provider.alice.resume(action["action_id"], 409)
    assert provider.alice.release(action["action_id"]) == action
