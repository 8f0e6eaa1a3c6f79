"""When an action is polled, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import globus_sdk
import pytest
import requests

from client.polling import LONGEST_PAUSE_SECONDS, BadResponse, PollResult, follow, read_time

BEGIN = datetime(2026, 3, 14, 15, 0, tzinfo=UTC)


class Response:
    """The part of an SDK response that polling reads."""

    def __init__(self, document: Any, **headers: str) -> None:
        self.data = document
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class Provider:
    """Responds in turn and records when it was asked; time passes only during a sleep."""

    def __init__(self, *answers: Response | Exception, duration: float = 0) -> None:
        self.answers = list(answers)
        self.seconds = 0.0
        self.asked: list[float] = []
        self.duration = duration

    def ask(self) -> Any:
        self.asked.append(self.seconds)
        if self.duration:
            status = "SUCCEEDED" if self.seconds >= self.duration else "ACTIVE"
            expected = (BEGIN + timedelta(seconds=self.duration)).isoformat()
            return Response({"status": status, "details": {"estimated_completion_time": expected}})
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def follow(self, **options: Any) -> list[PollResult]:
        def now() -> datetime:
            return BEGIN + timedelta(seconds=self.seconds)

        results = follow(self.ask, sleep=self.sleep, clock=lambda: self.seconds, now=now, **options)
        return list(results)


DONE = Response({"status": "SUCCEEDED"})
ACTIVE = Response({"status": "ACTIVE"})
BROKEN = globus_sdk.NetworkError("broken", OSError())


def refusal(status: int, retry_after: str) -> globus_sdk.GlobusAPIError:
    response = requests.Response()
    response.status_code = status
    response.headers["Retry-After"] = retry_after
    response.request = requests.Request("GET", "http://127.0.0.1/").prepare()
    return globus_sdk.GlobusAPIError(response)


def test_a_complete_action_is_polled_once() -> None:
    provider = Provider(DONE)
    assert [result.document for result in provider.follow()] == [DONE.data]
    assert provider.asked == [0]


def test_pauses_grow_to_a_limit() -> None:
    provider = Provider(*[ACTIVE] * 20, DONE)
    provider.follow()
    pauses = [after - before for before, after in zip(provider.asked, provider.asked[1:], strict=False)]
    assert pauses[0] == pytest.approx(1)
    assert pauses == pytest.approx(sorted(pauses))
    assert pauses[-1] == pytest.approx(LONGEST_PAUSE_SECONDS)


def test_it_polls_soon_after_the_estimated_completion_time() -> None:
    provider = Provider(duration=100)
    provider.follow()
    assert 100 <= provider.asked[-1] < 101
    assert len(provider.asked) < 15


@pytest.mark.parametrize("after", ["40", "Sat, 14 Mar 2026 15:00:40 GMT"])
def test_retry_after_holds_seconds_or_a_date(after: str) -> None:
    provider = Provider(Response({"status": "ACTIVE"}, Retry_After=after), DONE)
    provider.follow()
    assert provider.asked == [0, 40]


@pytest.mark.parametrize(
    "after",
    [
        "",
        "soon",
        "-1",
        "0",
        "Sat, 14 Mar 2020 15:00:40 GMT",
        "nan",
        "1e9",
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Sat, 14 Mar 2026 15:00:40 +99999999999999",
    ],
)
def test_an_invalid_retry_after_is_ignored(after: str) -> None:
    provider = Provider(Response({"status": "ACTIVE"}, Retry_After=after), DONE)
    provider.follow()
    assert provider.asked == [0, 1]


def test_patience_starts_over_with_each_status() -> None:
    answers: list[Response | Exception] = [BROKEN, BROKEN, ACTIVE]
    provider = Provider(*answers * 10, DONE)
    assert provider.follow(patience_seconds=90)[-1].is_complete


@pytest.mark.parametrize(
    "answer", [BROKEN, Response(None), Response({"status": "UNHEARD OF"})], ids=["", "null", "word"]
)
def test_patience_ends(answer: Response | Exception) -> None:
    provider = Provider(answer)
    with pytest.raises((globus_sdk.NetworkError, BadResponse)):
        provider.follow(patience_seconds=60)
    assert provider.seconds == 60


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("after", ["50", "90", "3600"])
def test_retry_after_does_not_outlast_the_patience(status: int, after: str) -> None:
    provider = Provider(refusal(status, after))
    with pytest.raises(globus_sdk.GlobusAPIError):
        provider.follow(patience_seconds=60)
    assert provider.asked == ([0, 50, 60] if after == "50" else [0, 60])


def test_retry_after_of_a_status_does_not_outlast_the_patience() -> None:
    provider = Provider(Response({"status": "ACTIVE"}, Retry_After="3600"), DONE)
    provider.follow(patience_seconds=60)
    assert provider.asked == [0, 60]


@pytest.mark.parametrize("value", ["soon", 7, None, "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_an_invalid_time_is_none(value: Any) -> None:
    assert read_time(value) is None
