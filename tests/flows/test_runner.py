"""FlowRunner: each type of state, errors and catches, and actions, with a clock that the tests move."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from client.flows import (
    DefinitionError,
    Failure,
    FlowRunner,
    ManualClock,
    Observer,
    Position,
    ProviderError,
    Run,
    StubProvider,
    scope,
    visits,
)
from tests.flows.definitions import URL, Data, action, evaluate, flow, pass_on


def run(definition: Data, data: Data | None = None, provider: StubProvider | None = None, **options: Any) -> Run:
    options.setdefault("clock", ManualClock())
    return FlowRunner(definition, {"*": provider or StubProvider()}, **options).run(data)


def operations(provider: StubProvider) -> list[str]:
    return [operation for operation, _ in provider.calls]


class TestPass:
    def test_without_fields_it_changes_nothing(self) -> None:
        assert run(flow(A=pass_on()), {"a": 1}).output == {"a": 1}

    def test_parameters_replace_the_state(self) -> None:
        assert run(flow(A=pass_on(Parameters={"b.$": "$.a"})), {"a": 1}).output == {"b": 1}

    def test_a_result_goes_to_the_result_path(self) -> None:
        definition = flow(A=pass_on(Result={"b": 1}, ResultPath="$.x.y"))
        assert run(definition, {"a": 1}).output == {"a": 1, "x": {"y": {"b": 1}}}

    def test_parameters_see_what_the_input_path_selects(self) -> None:
        definition = flow(A=pass_on(InputPath="$.a", Parameters={"b.$": "$.c", "run.=": "_context.run_id"}))
        done = run(definition, {"a": {"c": 1}})
        assert done.output == {"b": 1, "run": done.run_id}

    def test_a_result_takes_precedence_over_an_input_path(self) -> None:
        assert run(flow(A=pass_on(Result={"b": 1}, InputPath="$.nope")), {"a": 1}).output == {"b": 1}

    def test_an_input_path_moves_a_part(self) -> None:
        definition = flow(A=pass_on(InputPath="$.a.b", ResultPath="$.a"))
        assert run(definition, {"a": {"b": [1]}}).output == {"a": [1]}


def test_paths_and_expressions_are_computed_at_any_depth() -> None:
    parameters = {"list": [{"a.$": "$.n"}, {"b.=": "n + 1"}], "run.$": "$._context.run_id", "plain": "$.n"}
    done = run(flow(A=pass_on(Parameters=parameters)), {"n": 1})
    assert done.output == {"list": [{"a": 1}, {"b": 2}], "run": done.run_id, "plain": "$.n"}


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"x": {"y.$": "$.z"}}, "The path '$.z' specified for the field 'y.$' could not be found in the state input."),
        ({"y.=": "z"}, "The expression of the field 'y.=' failed: The name 'z' is not defined."),
    ],
)
def test_what_cannot_be_computed_fails_the_run(parameters: Data, told: str) -> None:
    done = run(flow(A=pass_on(Parameters=parameters)))
    details = {"state_name": "A", "exception": "States.Runtime", "cause": told}
    assert (done.status, done.details["details"]) == ("FAILED", details)


class TestChoice:
    @pytest.mark.parametrize(
        ("rule", "matches"),
        [
            ({"Variable": "$.n", "NumericEquals": 1}, True),
            ({"Variable": "$.n", "NumericGreaterThan": 1}, False),
            ({"Variable": "$.n", "NumericGreaterThanEquals": 1.0}, True),
            ({"Variable": "$.n", "NumericLessThanEqualsPath": "$.m"}, True),
            ({"Variable": "$.t", "NumericEquals": 1}, False),
            ({"Variable": "$.n", "StringEquals": "1"}, False),
            ({"Variable": "$.s", "StringLessThan": "b"}, True),
            ({"Variable": "$.s", "StringMatches": "a*c*"}, True),
            ({"Variable": "$.s", "StringMatches": "a*d"}, False),
            ({"Variable": "$.star", "StringMatches": "\\*"}, True),
            ({"Variable": "$.s", "StringMatches": "\\*"}, False),
            ({"Variable": "$.t", "BooleanEquals": True}, True),
            ({"Variable": "$.n", "BooleanEquals": True}, False),
            ({"Variable": "$.time", "TimestampEquals": "2030-01-31T01:00:00+01:00"}, True),
            ({"Variable": "$.time", "TimestampLessThan": "2030-01-31T00:00:01Z"}, True),
            ({"Variable": "$.s", "TimestampLessThan": "2030-01-31T00:00:01Z"}, False),
            ({"Variable": "$.time", "IsTimestamp": True}, True),
            ({"Variable": "$.s", "IsTimestamp": True}, False),
            ({"Variable": "$.null", "IsNull": True}, True),
            ({"Variable": "$.null", "IsPresent": True}, True),
            ({"Variable": "$.nope", "IsPresent": True}, False),
            ({"Variable": "$.nope.x", "IsPresent": False}, True),
            ({"Variable": "$.t", "IsNumeric": True}, False),
            ({"Variable": "$.s", "IsString": False}, False),
            ({"Not": {"Variable": "$.n", "IsNumeric": True}}, False),
            ({"And": [{"Variable": "$.nope", "IsPresent": True}, {"Variable": "$.nope", "IsNull": True}]}, False),
            ({"Or": [{"Variable": "$.n", "IsNull": True}, {"Variable": "$.n", "NumericEquals": 1}]}, True),
        ],
    )
    def test_a_rule_matches(self, rule: Data, matches: bool) -> None:
        state = {"Type": "Choice", "Choices": [{**rule, "Next": "Yes"}], "Default": "No"}
        data = {"n": 1, "m": 2, "t": True, "s": "abc", "star": "*", "time": "2030-01-31T00:00:00Z", "null": None}
        done = run(flow(Choose=state, Yes=pass_on(), No=pass_on()), data)
        assert done.states[-1] == ("Yes" if matches else "No")

    def test_without_a_match_and_a_default_the_run_fails(self) -> None:
        state = {"Type": "Choice", "Choices": [{"Variable": "$.a", "IsPresent": True, "Next": "A"}]}
        done = run(flow(Choose=state, A=pass_on()))
        assert done.error
        assert done.error.error == "States.NoChoiceMatched"

    def test_a_variable_that_is_missing_fails_the_run(self) -> None:
        state = {"Type": "Choice", "Choices": [{"Variable": "$.a", "IsNull": True, "Next": "A"}], "Default": "A"}
        done = run(flow(Choose=state, A=pass_on()))
        assert done.error
        assert done.error.error == "States.Runtime"

    def test_a_pattern_of_many_stars_takes_no_time(self) -> None:
        state = {"Type": "Choice", "Choices": [{"Variable": "$.a", "StringMatches": "*a" * 5000 + "b", "Next": "A"}]}
        assert run(flow(Choose={**state, "Default": "A"}, A=pass_on()), {"a": "a" * 20_000}).succeeded


class TestWait:
    @pytest.mark.parametrize(
        ("fields", "seconds"),
        [
            ({"Seconds": 36_000}, 36_000),
            ({"SecondsPath": "$.s"}, 1.5),
            ({"Timestamp": "2030-01-01T12:01:00Z"}, 60),
            ({"TimestampPath": "$.t"}, 0),
        ],
    )
    def test_it_waits_by_the_clock(self, fields: Data, seconds: float) -> None:
        clock = ManualClock()
        began = clock.now()
        definition = flow(A={"Type": "Wait", **fields, "End": True})
        assert run(definition, {"s": 1.5, "t": "2000-01-01T00:00:00Z"}, clock=clock).succeeded
        assert clock.now() - began == timedelta(seconds=seconds)

    @pytest.mark.parametrize("value", [-1, "1", True, 31_536_001, None])
    def test_what_is_not_a_number_of_seconds_fails_the_run(self, value: Any) -> None:
        assert not run(flow(A={"Type": "Wait", "SecondsPath": "$.s", "End": True}), {"s": value}).succeeded

    def test_a_time_beyond_a_year_ends_the_run_instead(self) -> None:
        definition = flow(A={"Type": "Wait", "Timestamp": "9999-01-01T00:00:00Z", "Next": "B"}, B=pass_on())
        done = run(definition)
        assert done.error
        assert done.error.cause == "The run takes longer than a year."


def test_a_fail_state_has_its_error_and_cause() -> None:
    done = run(flow(A={"Type": "Fail", "Error": "Mine", "CausePath": "$.c"}), {"c": "Because"})
    assert done.details == {
        "code": "FlowFailed",
        "description": "The Flow Instance failed",
        "details": {"state_name": "A", "exception": "Mine", "cause": "Because"},
    }


class TestAction:
    def test_the_result_is_the_status_document_with_the_name_of_the_state(self) -> None:
        provider = StubProvider(lambda body: {"sum": body["a"] + 1}, seconds=5)
        done = run(flow(Add=action(Parameters={"a.$": "$.n"})), {"n": 1}, provider)
        result = done.output["result"]
        assert (result["status"], result["details"], result["state_name"]) == ("SUCCEEDED", {"sum": 2}, "Add")
        assert provider.bodies == [{"a": 1}]

    def test_without_a_result_path_the_result_replaces_the_state(self) -> None:
        state = action()
        del state["ResultPath"]
        assert run(flow(A=state), {"n": 1}).output["status"] == "SUCCEEDED"

    def test_polls_are_further_and_further_apart(self) -> None:
        clock = ManualClock()
        polls: list[float] = []
        began = clock.now()

        class Watch(Observer):
            def action_polled(self, name: str, document: Mapping[str, Any]) -> None:
                polls.append((clock.now() - began).total_seconds())

        run(flow(A=action(WaitTime=10_000)), None, StubProvider(seconds=3000), clock=clock, observer=Watch())
        assert polls == [0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 1023, 1623, 2223, 2823, 3423]

    def test_a_poll_comes_when_the_action_expects_to_be_done(self) -> None:
        clock = ManualClock()
        provider = StubProvider(seconds=200, clock=clock)
        view = provider._view

        def with_estimate(action_id: str) -> Data:
            document = view(action_id)
            estimate = provider.actions[action_id].completion_time.isoformat()
            return {**document, "details": document["details"] or {"estimated_completion_time": estimate}}

        provider._view = with_estimate  # type: ignore[method-assign]
        began = clock.now()
        run(flow(A=action()), None, provider, clock=clock)
        assert clock.now() - began < timedelta(seconds=201)

    def test_it_is_released_at_the_end_unless_keep_is_given(self) -> None:
        provider = StubProvider()
        run(flow(A=action()), None, provider)
        run(flow(A=action()), None, provider, keep=True)
        assert operations(provider) == ["run", "release", "run"]

    def test_a_failure_is_an_exception_with_the_document(self) -> None:
        catch = [{"ErrorEquals": ["ActionFailedException"], "ResultPath": "$.error", "Next": "Caught"}]

        def fail(_body: Any) -> Data:
            raise Failure({"error": "WATCHLESS"})

        done = run(flow(A=action(Catch=catch), Caught=pass_on()), {"n": 1}, StubProvider(fail))
        assert done.output["n"] == 1
        assert done.output["error"]["Error"] == "ActionFailedException"
        assert done.output["error"]["details"] == {"error": "WATCHLESS"}

    def test_a_failure_can_be_a_result(self) -> None:
        definition = flow(A=action(ExceptionOnActionFailure=False))
        assert run(definition, None, StubProvider(failure_rate=1)).output["result"]["status"] == "FAILED"

    def test_without_a_result_path_the_error_replaces_the_state(self) -> None:
        definition = flow(A=action(Catch=[{"ErrorEquals": ["States.ALL"], "Next": "B"}]), B=pass_on())
        done = run(definition, {"n": 1}, StubProvider(failure_rate=1))
        assert (done.output["Error"], done.output["status"]) == ("ActionFailedException", "FAILED")
        assert "n" not in done.output

    def test_the_wait_time_ends_in_a_cancel_and_an_exception(self) -> None:
        clock = ManualClock()
        began = clock.now()
        provider = StubProvider(seconds=1000)
        definition = flow(A=action(Catch=[{"ErrorEquals": ["ActionTimeout"], "Next": "B"}]), B=pass_on())
        done = run(definition, None, provider, clock=clock)
        assert (done.output["Error"], done.output["status"]) == ("ActionTimeout", "ACTIVE")
        assert clock.now() - began == timedelta(seconds=300)
        assert operations(provider)[-2:] == ["cancel", "release"]

    def test_an_action_that_is_done_at_the_last_moment_is_in_time(self) -> None:
        assert run(flow(A=action(WaitTime=60)), None, StubProvider(seconds=60)).succeeded

    def test_a_wait_time_of_nothing_suffices_for_a_synchronous_action(self) -> None:
        assert run(flow(A=action(WaitTime=0))).succeeded

    def test_a_refusal_is_an_exception_even_where_failures_are_results(self) -> None:
        refusal = ProviderError("400 InvalidRequest", 400, {"code": "InvalidRequest"})
        done = run(flow(A=action(ExceptionOnActionFailure=False)), None, StubProvider(refuse=refusal))
        assert done.error
        assert (done.error.error, done.error.document) == ("ActionUnableToRun", {"code": "InvalidRequest"})

    def test_errors_while_polling_are_tolerated_until_the_wait_time_is_over(self) -> None:
        provider = StubProvider(seconds=20)
        status = provider.status
        answers = iter([ProviderError("no answer"), ProviderError("503", 503)])

        def stumble(action_id: str) -> Data:
            for error in answers:
                raise error
            return status(action_id)

        provider.status = stumble  # type: ignore[method-assign]
        assert run(flow(A=action()), None, provider).succeeded

    def test_an_action_that_is_gone_fails(self) -> None:
        provider = StubProvider(seconds=20)
        provider.status = lambda action_id: provider._view("gone")  # type: ignore[method-assign]
        done = run(flow(A=action()), None, provider)
        assert done.error
        assert done.error.error == "ActionFailedException"

    def test_an_inactive_action_is_polled_until_someone_resumes_it(self) -> None:
        asked: list[str] = []

        def consent(document: Mapping[str, Any], _provider: Any) -> bool:
            asked.append(document["details"]["code"])
            return len(asked) > 2

        done = run(flow(A=action()), None, StubProvider(outcomes=["INACTIVE"]), consent=consent)
        assert done.succeeded
        assert asked == ["Paused"] * 3
        assert not run(flow(A=action()), None, StubProvider(outcomes=["INACTIVE"])).succeeded

    def test_states_all_excludes_errors_in_the_definition(self) -> None:
        catch = [{"ErrorEquals": ["States.ALL"], "Next": "B"}]
        definition = flow(A=action(Parameters={"a.$": "$.nope"}, Catch=catch), B=pass_on())
        assert not run(definition).succeeded
        catch[0]["ErrorEquals"] = ["States.Runtime"]
        assert run(definition).succeeded

    def test_the_first_matching_catch_is_used(self) -> None:
        catch = [{"ErrorEquals": [name], "Next": name[:1]} for name in ("Xyz", "ActionFailedException", "States.ALL")]
        definition = flow(First=action(Catch=catch), X=pass_on(), A=pass_on(), S=pass_on())
        assert run(definition, None, StubProvider(failure_rate=1)).states == ["First", "A"]

    def test_a_missing_provider_is_reported_before_the_start(self) -> None:
        with pytest.raises(DefinitionError, match=f"There is no provider for {URL}"):
            FlowRunner(flow(A=pass_on(Next="B"), B=action())).run()

    def test_a_url_finds_its_provider_with_or_without_a_slash(self) -> None:
        assert FlowRunner(flow(A=action()), {f"{URL}/": StubProvider()}, clock=ManualClock()).run().succeeded


def test_three_of_ten_fail_and_a_retry_gets_there_in_no_time() -> None:
    definition = flow(
        Try=action(
            Catch=[{"ErrorEquals": ["ActionFailedException"], "ResultPath": "$.error", "Next": "Pause"}], Next="Done"
        ),
        Pause={"Type": "Wait", "Seconds": 36_000, "Next": "Try"},
        Done=pass_on(),
    )
    provider = StubProvider(seconds=60, failure_rate=0.3, seed=1)
    runner = FlowRunner(definition, {"*": provider}, clock=ManualClock())
    began = time.monotonic()
    assert all(runner.run().succeeded for _ in range(50))
    assert 55 < len(provider.actions) < 90
    assert time.monotonic() - began < 60


class TestWebInput:
    DEFINITION = flow(
        Ask={
            "Type": "CreateWebInput",
            "Parameters": {"InputType": "Selection", "Options": [{"Value": "yes"}, {"Value": "no"}]},
            "ResultPath": "$.ask",
            "Next": "Await",
        },
        Await={
            "Type": "AwaitWebInput",
            "Parameters": {"web_input_id.$": "$.ask.web_input_id"},
            "ResultPath": "$.told",
            "Catch": [{"ErrorEquals": ["Flows.WebInputExpired"], "ResultPath": "$.told", "Next": "Late"}],
            "End": True,
        },
        Late=pass_on(),
    )

    def test_the_answer_is_the_response(self) -> None:
        assert (
            run(self.DEFINITION, answer=lambda question: question["Options"][1]["Value"]).output["told"]["response"]
            == "no"
        )

    def test_without_an_answer_it_expires(self) -> None:
        assert run(self.DEFINITION).states == ["Ask", "Await", "Late"]

    def test_what_is_not_an_option_is_not_an_answer(self) -> None:
        assert not run(self.DEFINITION, answer=lambda _question: "maybe").succeeded


def test_private_values_are_hidden_wherever_they_are_shown() -> None:
    parameters = {"__Private_Parameters": ["secret", "word"], "secret": "s3cret-1", "word.$": "$._private_word"}
    provider = StubProvider()
    entries: list[Any] = []
    definition = flow(A=action(Parameters={"deep": parameters}, Next="B"), B=pass_on(Parameters=parameters))
    data = {"n": 1, "_private_word": "s3cret-2", "_tokens": {"Role": "s3cret-3"}}
    done = run(definition, data, provider, write=entries.append)
    assert provider.bodies == [{"deep": {"secret": "s3cret-1", "word": "s3cret-2"}}]
    started = [entry["details"] for entry in entries if entry["code"].endswith("Started")]
    assert started[0]["input"] == {"n": 1}
    assert started[1]["input"] == {"deep": {}}
    assert started[2]["input"] == {}
    assert "s3cret-2" not in json.dumps(started)
    assert "s3cret-3" not in json.dumps(entries)
    assert done.document()["details"]["code"] == "FlowSucceeded"


def test_the_log_has_the_entries_of_the_service() -> None:
    done = run(flow(A=action(Next="B"), B=pass_on()), {"n": 1}, StubProvider(seconds=1))
    codes = ["FlowStarted", "ActionStarted", *["ActionPolled"] * 2, "ActionCompleted", "PassStarted", "PassCompleted"]
    assert [entry["code"] for entry in done.log] == [*codes, "FlowSucceeded"]
    assert done.log[0]["details"] == {"input": {"n": 1}}
    assert done.log[1]["details"] == {"state_name": "A", "state_type": "Action", "input": {}}
    assert done.log[1]["description"] == "State A of type Action started"
    assert done.log[-1]["details"] == {"output": done.output}
    assert all(entry.keys() == {"time", "code", "description", "details"} for entry in done.log)


class TestContinue:
    DEFINITION = flow(
        A=action(ResultPath="$.a", Next="Wait"),
        Wait={"Type": "Wait", "Seconds": 600, "Next": "B"},
        B=action(ResultPath="$.b", WaitTime=100),
    )

    def interrupted(self, provider: StubProvider, clock: ManualClock, at: float) -> list[Position]:
        """Run until `at` seconds have passed, and return the position as another process would read it."""
        began = clock.now()
        saved: list[str] = []

        class Interrupting(ManualClock):
            def now(self) -> Any:
                return clock.now()

            def sleep(self, seconds: float) -> None:
                clock.sleep(min(seconds, max(0.0, at - (clock.now() - began).total_seconds())))
                if (clock.now() - began).total_seconds() >= at:
                    raise KeyboardInterrupt

        runner = FlowRunner(
            self.DEFINITION, {"*": provider}, clock=Interrupting(), save=lambda here: saved.append(here.as_json())
        )
        with pytest.raises(KeyboardInterrupt):
            runner.run({"n": 1})
        return [Position(**json.loads(text)) for text in saved]

    @pytest.mark.parametrize("at", [5, 300, 605])
    def test_a_continued_run_starts_no_action_twice(self, at: float) -> None:
        clock = ManualClock()
        provider = StubProvider(seconds=10, clock=clock)
        began = clock.now()
        position = self.interrupted(provider, clock, at)[-1]
        done = FlowRunner(self.DEFINITION, {"*": provider}, clock=clock).resume(position)
        assert done.succeeded
        assert done.output["n"] == 1
        assert operations(provider).count("run") == 2
        assert clock.now() - began < timedelta(seconds=640)

    def test_a_run_that_was_killed_before_it_knew_the_action_does_not_start_another(self) -> None:
        clock = ManualClock()
        provider = StubProvider(seconds=10, clock=clock)
        before_the_action = self.interrupted(provider, clock, 5)[0]
        assert before_the_action.action_id is None
        assert FlowRunner(self.DEFINITION, {"*": provider}, clock=clock).resume(before_the_action).succeeded
        assert len(provider.actions) == 2

    def test_a_run_that_was_killed_while_an_action_was_released_knows_how_it_ended(self) -> None:
        clock = ManualClock()
        provider = StubProvider(seconds=10, clock=clock)
        release = provider.release

        def die(action_id: str) -> Data:
            release(action_id)
            provider.actions.clear()  # as a provider forgets
            raise KeyboardInterrupt

        provider.release = die  # type: ignore[method-assign]
        saved: list[str] = []
        runner = FlowRunner(
            self.DEFINITION, {"*": provider}, clock=clock, save=lambda here: saved.append(here.as_json())
        )
        with pytest.raises(KeyboardInterrupt):
            runner.run({"n": 1})
        provider.release = release  # type: ignore[method-assign]
        done = FlowRunner(self.DEFINITION, {"*": provider}, clock=clock).resume(Position(**json.loads(saved[-1])))
        assert done.succeeded
        assert done.output["a"]["status"] == "SUCCEEDED"
        assert operations(provider).count("run") == 2

    def test_the_wait_time_counts_from_the_first_start(self) -> None:
        clock = ManualClock()
        provider = StubProvider(seconds=10_000, clock=clock, outcomes=["SUCCEEDED"])
        position = self.interrupted(provider, clock, 5)[-1]
        clock.advance(hours=10)
        done = FlowRunner(self.DEFINITION, {"*": provider}, clock=clock).resume(position)
        assert done.error
        assert done.error.error == "ActionTimeout"

    def test_each_visit_has_a_request_of_its_own(self) -> None:
        position = Position("00000000-0000-4000-8000-000000000000", "f", "l", "t", "A", {})
        first = position.request_id
        assert position.request_id == first
        position.visit = 1
        assert position.request_id != first


HOSTILE: dict[str, Data] = {
    "a cycle": flow(A=pass_on(Next="B"), B=pass_on(Next="A")),
    "a wait of no time": flow(A={"Type": "Wait", "Seconds": 0, "Next": "A"}),
    "a choice of itself": flow(
        A={"Type": "Choice", "Choices": [{"Variable": "$", "IsPresent": True, "Next": "A"}]}, B=pass_on()
    ),
    "a state that doubles": flow(A=pass_on(Parameters={"a.$": "$", "b.$": "$"}, Next="A")),
    "a string that doubles": flow(A=pass_on(Parameters={"s.=": "getattr('s', 'x') * 2"}, Next="A")),
    "a list that doubles": flow(A=pass_on(Parameters={"s.=": "[getattr('s', 1), getattr('s', 1)]"}, Next="A")),
    "a state that nests": flow(A=pass_on(Parameters={"a.$": "$"}, Next="A")),
    "an action that returns at once": flow(A=action(Next="A")),
    "slow expressions": evaluate("[[x for x in `$.l`] for y in `$.l`]", End=None, Next="Evaluate"),
}


@pytest.mark.parametrize("definition", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_flow_ends_with_a_clear_error_within_seconds(
    definition: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visits, "MOST_VISITS_AT_ONCE", 1000)
    monkeypatch.setattr(visits, "LONGEST_SECONDS_AT_ONCE", 1.0)
    began = time.thread_time()
    done = run(definition, {"l": list(range(90))})
    assert done.status == "FAILED"
    assert done.error
    assert done.error.error in ("LocalRunner.LimitExceeded", "States.DataLimitExceeded", "States.Runtime")
    assert time.thread_time() - began < 20


def test_a_cycle_ends_within_seconds_with_the_default_limits() -> None:
    began = time.thread_time()
    done = run(flow(A=pass_on(Next="B"), B=pass_on(Next="A")))
    assert done.error
    assert "states were entered without a pause: a loop needs a Wait or an Action." in done.error.cause
    assert time.thread_time() - began < 30


@pytest.mark.parametrize(
    "state",
    [
        pass_on(Parameters={f"k{index}.$": "$.l[*].x" for index in range(9000)}),
        pass_on(Parameters={f"k{index}.=": "[x for x in l if x == 'y' and x != 'z']" for index in range(900)}),
        pass_on(Parameters={f"k{index}.$": "$" for index in range(9000)}),
        action(Parameters={f"k{index}.$": "$" for index in range(9000)}),
        {
            "Type": "Choice",
            "Choices": [{"Variable": f"$.l[*].x{index}", "IsPresent": True, "Next": "A"} for index in range(3000)],
            "Default": "B",
        },
    ],
    ids=["paths", "expressions", "copies", "a huge body", "rules"],
)
def test_a_state_with_very_much_to_compute_ends_with_a_clear_error(
    state: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scope, "LONGEST_SECONDS", 0.2)
    began = time.thread_time()
    done = run(flow(A=state, B=pass_on()), {"l": ["item"] * 9000})
    assert done.error
    assert done.error.error in ("LocalRunner.LimitExceeded", "States.DataLimitExceeded")
    assert time.thread_time() - began < 20


def test_a_loop_with_waits_ends_at_the_limit_of_visits() -> None:
    definition = flow(A={"Type": "Wait", "Seconds": 1, "Next": "A"})
    done = run(definition, most_visits=1000)
    assert done.error
    assert "has entered 1,000 states" in done.error.cause


def test_the_input_must_fit_the_schema() -> None:
    schema = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
    with pytest.raises(DefinitionError, match="input: n: is missing"):
        run(flow(A=pass_on()), {}, input_schema=schema)
    assert run(flow(A=pass_on()), {"n": 1}, input_schema=schema).succeeded


def test_an_invalid_definition_is_refused_with_all_findings() -> None:
    with pytest.raises(DefinitionError) as refused:
        FlowRunner(flow(A=pass_on(Next="X"), B={"Type": "X"}))
    assert len(refused.value.findings) == 2
