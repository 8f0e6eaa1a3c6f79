"""The example flows, with stub providers and a clock that the tests move."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from client.flows import Failure, FlowRunner, ProviderError, StubProvider
from client.flows.check import check
from client.flows.definition import Definition
from client.flows.pytest_plugin import FlowRunners
from tests.flows.conftest import Command
from tests.processes import ROOT, RunningProvider

FLOWS = ROOT / "examples" / "flows"
WATCHLESS = {"message": "We didn't know what time it was.", "error": "WATCHLESS"}


def tell_the_time(body: dict[str, Any]) -> dict[str, Any]:
    return {"whattimeisit": f"2030-01-01T{12 + body['utc_offset']:02}:00:00"}


@pytest.mark.parametrize("file", sorted(FLOWS.glob("*.json")), ids=lambda path: path.stem)
def test_it_has_no_findings(file: Path) -> None:
    assert check(Definition.load(file)) == []


def test_simplest(flow_runner: FlowRunners) -> None:
    time = StubProvider(tell_the_time, seconds=900)
    run = flow_runner(FLOWS / "simplest.json", {"*": time}).run({"utc_offset": 1})
    assert run.output["answer"]["details"] == {"whattimeisit": "2030-01-01T13:00:00"}


class TestRetry:
    def run(self, flow_runner: FlowRunners, provider: StubProvider) -> Any:
        return flow_runner(FLOWS / "retry.json", {"*": provider}).run({"utc_offset": 0})

    def test_it_retries_a_minute_after_a_failure(self, flow_runner: FlowRunners) -> None:
        began = flow_runner.clock.now()
        provider = StubProvider(tell_the_time, outcomes=["FAILED", "FAILED", "SUCCEEDED"], failure=WATCHLESS)
        run = self.run(flow_runner, provider)
        assert run.output["result"] == {"time": "2030-01-01T12:00:00", "failed_tries": 2}
        assert flow_runner.clock.now() - began == timedelta(minutes=2)

    def test_it_gives_up_after_three_tries(self, flow_runner: FlowRunners) -> None:
        provider = StubProvider(outcomes=["FAILED"], failure=WATCHLESS)
        run = self.run(flow_runner, provider)
        assert run.details["details"]["exception"] == "NoTime"
        assert len(provider.actions) == 3

    def test_it_retries_when_the_provider_does_not_respond(self, flow_runner: FlowRunners) -> None:
        provider = StubProvider(refuse=ProviderError("no answer"))
        assert self.run(flow_runner, provider).states.count("Ask") == 3

    def test_it_does_not_retry_after_another_kind_of_failure(self, flow_runner: FlowRunners) -> None:
        provider = StubProvider(outcomes=["FAILED"], failure={"error": "CANCELLED"})
        assert self.run(flow_runner, provider).states == ["Ask", "Known?", "Give up"]

    def test_with_three_of_ten_failing_most_runs_succeed(self, flow_runner: FlowRunners) -> None:
        provider = StubProvider(tell_the_time, seconds=600, failure_rate=0.3, seed=7, failure=WATCHLESS)
        runner = flow_runner(FLOWS / "retry.json", {"*": provider})
        succeeded = [runner.run({"utc_offset": 0}).succeeded for _ in range(100)]
        assert succeeded.count(True) > 90


class TestDeadline:
    @pytest.mark.parametrize(("seconds", "in_time"), [(59, True), (61, False)])
    def test_it_continues_after_a_minute(self, flow_runner: FlowRunners, seconds: float, in_time: bool) -> None:
        provider = StubProvider(tell_the_time, seconds=seconds)
        run = flow_runner(FLOWS / "deadline.json", {"*": provider}).run({"utc_offset": 0})
        assert run.output["result"]["in_time"] is in_time
        assert [action.canceled for action in provider.actions.values()] == [not in_time]


def test_meetings(flow_runner: FlowRunners) -> None:
    people = [{"name": "Ana", "utc_offset": -3}, {"name": "Ben", "utc_offset": 1}, {"name": "Chandra", "utc_offset": 5}]
    runner = flow_runner(FLOWS / "meetings.json", {"*": StubProvider(tell_the_time, seconds=300)})
    assert runner.run({"people": people}).output == {"meeting": ["Ana: 09:00", "Ben: 13:00", "Chandra: 17:00"]}
    assert runner.run({"people": []}).output == {"meeting": []}


class TestApproval:
    @pytest.mark.parametrize(("answer", "end"), [("yes", "Ask"), ("no", "Not approved"), (None, "Not approved")])
    def test_the_answer_decides(self, flow_runner: FlowRunners, answer: str | None, end: str) -> None:
        questions: list[Any] = []

        def respond(question: Any) -> str | None:
            questions.append(question)
            return answer

        runner: FlowRunner = flow_runner(
            FLOWS / "approval.json", {"*": StubProvider(tell_the_time)}, answer=respond, context={"username": "ana"}
        )
        assert runner.run({"utc_offset": 0}).states[-1] == end
        assert questions[0]["Context"]["Title"] == "May ana know the time?"


def test_fails(flow_runner: FlowRunners) -> None:
    refusal = ProviderError("400 InvalidRequest: utc_offset is too large", 400)
    run = flow_runner(FLOWS / "fails.json", {"*": StubProvider(refuse=refusal)}).run({"utc_offset": 99})
    assert run.details["details"] == {
        "state_name": "Bad offset",
        "exception": "BadOffset",
        "cause": "There is no such time zone.",
    }


def test_work_of_a_stub_may_fail(flow_runner: FlowRunners) -> None:
    def work(_body: Any) -> dict[str, Any]:
        raise Failure(WATCHLESS)

    run = flow_runner(FLOWS / "simplest.json", {"*": StubProvider(work)}).run({"utc_offset": 0})
    assert run.error
    assert run.error.document
    assert run.error.document["details"] == WATCHLESS


@pytest.mark.parametrize(
    ("name", "options", "exit_code"),
    [
        ("simplest", ['{"utc_offset": 1}'], 0),
        ("retry", ['{"utc_offset": 1}'], 0),
        ("deadline", ['{"utc_offset": 1}'], 0),
        ("meetings", ['{"people": [{"name": "Ana", "utc_offset": -3}]}'], 0),
        ("approval", ['{"utc_offset": 1}', "--answer", "yes"], 0),
        ("approval", ['{"utc_offset": 1}', "--answer", "no"], 1),
        ("fails", ['{"utc_offset": 99}'], 1),
    ],
)
def test_each_runs_against_our_provider(
    command: Command, provider: RunningProvider, name: str, options: list[str], exit_code: int
) -> None:
    told = ["--provider", f"*={provider.url}", "--token", "local-token-alice"]
    assert command("run", FLOWS / f"{name}.json", *told, "--input", *options).exit_code == exit_code
