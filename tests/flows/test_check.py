"""`check` finds what the schema and the rules of the service demand, and where; and nothing else."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from client.flows.check import MOST_FINDINGS, check
from client.flows.definition import Definition
from client.flows.source import read_text
from tests.flows.definitions import URL, Data, action, flow, pass_on


def found(definition: Any) -> list[str]:
    return [str(finding) for finding in check(Definition(read_text(json.dumps(definition, indent=1))))]


def texts(definition: Any) -> str:
    return "\n".join(found(definition))


CHOICE: Data = {"Type": "Choice", "Choices": [{"Variable": "$.a", "IsPresent": True, "Next": "End"}], "Default": "End"}
RIGHT: dict[str, Data] = {
    "an action": flow(A=action(WaitTime=0, RunAs="Role", Catch=[{"ErrorEquals": ["States.ALL"], "Next": "A"}])),
    "a local provider": flow(A=action(ActionUrl="http://127.0.0.1:5000")),
    "null for what is left out": flow(A=action(Comment=None, Catch=None, Next=None, End=True)),
    "a handler": flow(A={**action(Handler={"Type": "ActionProvider", "Url": URL, "Scope": "s"}), "ActionUrl": None}),
    "a handler of Globus": flow(A={**action(Handler="urn:globus:flows:handle:globus:X.Y"), "ActionUrl": None}),
    "a registered API": flow(A={**action(Handler={"Type": "RegisteredAPI", "Id": "1"}), "ActionUrl": None}),
    "a choice": flow(A=CHOICE, End=pass_on()),
    "Not, And, Or": flow(
        A={
            "Type": "Choice",
            "Choices": [
                {
                    "Or": [
                        {"And": [{"Variable": "$.a", "IsNull": False}, {"Variable": "$.b", "StringMatches": "x*"}]},
                        {"Not": {"Variable": "$.t", "TimestampLessThanPath": "$.u"}},
                        {"Variable": "$.t", "TimestampEquals": "2030-01-31T00:00:00Z"},
                    ],
                    "Next": "End",
                }
            ],
        },
        End={"Type": "Fail", "ErrorPath": "$.e", "Cause": "x"},
    ),
    "waits": flow(
        A={"Type": "Wait", "SecondsPath": "$.s", "Next": "B"},
        B={"Type": "Wait", "Timestamp": "2030-01-31T00:00:00+01:00", "End": True},
    ),
    "a loop": flow(A=pass_on(Result={"a": 1}, Next="B"), B={"Type": "Wait", "Seconds": 1, "Next": "A"}),
    "End: false beside Next": flow(A=pass_on(End=False, Next="B"), B=pass_on()),
    "web inputs": flow(
        A={"Type": "CreateWebInput", "Parameters": {}, "Next": "B"},
        B={"Type": "AwaitWebInput", "InputPath": "$", "End": True},
    ),
    "computed parameters": flow(
        A=action(
            Parameters={
                "__Private_Parameters": ["a"],
                "a.$": "$.x-y[0][1:].z",
                "b": [{"c.=": "[i.name + '/' for i in `$.list` if i not in x.y]"}],
                "text.=": "'two\nlines'",
                "_context.$": "$._context.run_id",
            }
        )
    ),
    "a part of the state, changed": flow(A=pass_on(InputPath="$.a", Parameters={"b.$": "$.c"})),
    "paths that have been published": flow(A=pass_on(InputPath="$.", ResultPath="$.")),
}  # fmt: skip


@pytest.mark.parametrize("definition", RIGHT.values(), ids=RIGHT)
def test_a_valid_definition_has_no_findings(definition: Data) -> None:
    assert found(definition) == []


def rule(**fields: Any) -> Data:
    return flow(A={"Type": "Choice", "Choices": [{"Next": "End", **fields}]}, End=pass_on())


WRONG: list[tuple[Any, str]] = [
    ([], "It must be an object."),
    ({}, "The field StartAt is missing."),
    ({"StartAt": "A", "States": {}}, "States: It must not be empty."),
    ({**flow(A=pass_on()), "Extra": 1}, 'Extra: There is no field "Extra" here.'),
    ({**flow(A=pass_on()), "StartAt": "B"}, 'line 2, StartAt: There is no state "B".'),
    (flow(Begin={"Type": "Task"}), 'state "Begin", Type: There is no type "Task"; the types are Action,'),
    (flow(A={"End": True}), 'state "A": The field Type is missing'),
    (flow(A=1), "A state must be an object."),  # type: ignore[arg-type]
    (flow(A=pass_on(Nxt="A")), 'Nxt: There is no field "Nxt" here. Did you mean "Next"?'),
    (flow(A={"Type": "Pass"}), 'line 4, state "A": It has neither Next nor End: true.'),
    (flow(A={"Type": "Pass", "End": False}), "neither Next nor End"),
    (flow(A=pass_on(Next="A", End=True)), "End: It has both Next and End"),
    (flow(Begin=pass_on(Next="Bgin")), 'Next: There is no state "Bgin". Did you mean "Begin"?'),
    (flow(A=pass_on(), B=pass_on()), 'state "B": warning: It cannot be reached'),
    (flow(**{"A" * 129: pass_on()}), "longer than 128"),
    (flow(A=action(InputPath="$", Parameters={})), "InputPath: It has both Parameters and InputPath"),
    (flow(A={**action(), "Parameters": None}), "It has neither Parameters nor InputPath."),
    (flow(A={**action(), "ActionUrl": None}), "It must have either ActionUrl or Handler; it has neither."),
    (flow(A=pass_on(Result={}, InputPath="$.a")), "InputPath: warning: InputPath has no effect with Result."),
    (flow(A=action(Handler="urn:x", ActionScope="s")), "warning: ActionScope has no effect with Handler"),
    (flow(A=action(Handler="urn:x")), "either ActionUrl or Handler; it has both"),
    (flow(A={**action(Handler="x"), "ActionUrl": None}), '"x" is neither an object nor a URN.'),
    (flow(A={**action(Handler={"Type": "ActionProvider"}), "ActionUrl": None}), "needs Url"),
    (flow(A=action(ActionUrl="ftp://x")), '"ftp://x" is not a URL'),
    (flow(A=action(WaitTime="60")), "WaitTime: It must be a whole number."),
    (flow(A=action(ResultPath=None)), "ResultPath: It must be a string."),
    (flow(A=action(ResultPath="$.a[*]")), "ResultPath: '$.a[*]' must name exactly one place"),
    (flow(A=action(ResultPath="$._context.x")), "read-only"),
    (flow(A=action(Catch=[{"ErrorEquals": [], "Next": "A"}])), "Catch[0].ErrorEquals: It must not be empty."),
    (flow(A=action(Catch=[{"ErrorEquals": ["x"], "Next": "B"}])), 'Catch[0].Next: There is no state "B".'),
    (flow(A=action(Parameters={"a.$": "b"})), "Parameters.a.$: 'b' is not a JSONPath: it must start with '$'."),
    (flow(A=action(Parameters={"a.$": "$.b[?@.c]"})), "has a filter"),
    (flow(A=action(Parameters={"l": [{"a.=": "1 +"}]})), "Parameters.l[0].a.=: It is not an expression"),
    (flow(A=action(Parameters={"a.=": "x.__class__"})), "'__class__' is not available"),
    (flow(A=action(Parameters={"a.=": "eval('1')"})), "There is no function 'eval'"),
    (flow(A=action(Parameters={"a.=": 1})), "It must be a string with an expression."),
    (flow(A=action(Parameters={"a": 1, "a.$": "$.b"})), '"a" has more than one value'),
    (flow(A=action(Parameters={"__Private_Parameters": "a"})), "It must be a list of names."),
    (flow(A={"Type": "ExpressionEval", "Parameters": {}, "End": True}), "The field ResultPath is missing."),
    (flow(A={"Type": "Wait", "End": True}), "It must have one of Seconds"),
    (flow(A={"Type": "Wait", "Seconds": 1, "SecondsPath": "$.a", "End": True}), "it has Seconds and SecondsPath"),
    (flow(A={"Type": "Wait", "Seconds": 31536001, "End": True}), "greater than the maximum"),
    (flow(A={"Type": "Wait", "Timestamp": "2030-01-31T00:00:00", "End": True}), "not a time with an offset"),
    (flow(A={"Type": "Fail", "Error": "a", "ErrorPath": "$.a"}), "both Error and ErrorPath"),
    (flow(A={"Type": "Fail", "Next": "A"}), 'There is no field "Next" here'),
    (flow(A={"Type": "Choice", "Choices": []}), "Choices: It must not be empty."),
    (rule(Variable="$.a"), "exactly one operator; it has none"),
    (rule(Variable="$.a", IsNull=True, IsPresent=True), "it has IsNull and IsPresent"),
    (rule(Variable="$.a", NumericEquals="1"), "NumericEquals: It must be a number."),
    (rule(Variable="a", IsNull=True), "Variable: 'a' is not a JSONPath"),
    (rule(Variable="$.a", Exists=True), 'There is no field "Exists" here'),
    (rule(Not={"Variable": "$.a", "IsNull": True, "Next": "End"}), "Not.Next: Only the outermost rule has Next."),
    (rule(And=[{"Variable": "$.a", "IsNul": 1}]), 'And[0].IsNul: There is no field "IsNul" here. Did you mean'),
    (flow(A={"Type": "Choice", "Choices": [{"Variable": "$.a", "IsNull": True}]}), "The field Next is missing."),
]  # fmt: skip


@pytest.mark.parametrize(("definition", "told"), WRONG, ids=range(len(WRONG)))
def test_errors_are_found(definition: Any, told: str) -> None:
    assert told in texts(definition)


def test_a_finding_names_the_line() -> None:
    lines = ["StartAt: A", "States:", "  A:", "    Type: Action", "    ActionUrl: https://x.org", "    Parameters:"]
    lines += ["      list:", "      - x.$: 'no'", "    End: true"]
    (finding,) = check(Definition(read_text("\n".join(lines))))
    assert (finding.line, finding.state, finding.field) == (8, "A", "Parameters.list[0].x.$")


def test_the_findings_are_not_endless() -> None:
    assert len(found({"StartAt": "0", "States": {str(index): {} for index in range(2000)}})) == MOST_FINDINGS


def test_many_names_that_are_nearly_right_take_no_time() -> None:
    names = ["x" * 100 + str(index) for index in range(3000)]
    began = time.thread_time()
    assert (
        len(found({"StartAt": names[0], "States": {name: pass_on(Next=name[1:]) for name in names}})) == MOST_FINDINGS
    )
    short = ["x" * 30 + str(index) for index in range(100)]
    assert len(found({"StartAt": short[0], "States": {name: pass_on(Next=name[1:]) for name in short}})) > 100
    assert time.thread_time() - began < 20
