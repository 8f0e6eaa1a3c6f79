"""Any definition is either refused with findings, or runs to an end."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from client.flows import DefinitionError, FlowRunner, ManualClock, StubProvider
from client.flows.check import check, errors_of
from client.flows.definition import Definition
from client.flows.graph import mermaid, tree
from client.flows.source import from_data
from tests.flows.test_check import RIGHT
from tests.processes import ROOT

FLOWS = [json.loads(file.read_text()) for file in sorted((ROOT / "examples" / "flows").glob("*.json"))]
WORDS = ["", "$", "$.a", "$.answer.status", "$.a[0]", "$._context", "a + 1", "getattr('a')", "2030-01-01T00:00:00Z"]
NAMES = ["Type", "Next", "End", "Parameters", "InputPath", "ResultPath", "Result", "Catch", "Choices", "Default"]
NAMES += [
    "Seconds",
    "Variable",
    "And",
    "Not",
    "IsPresent",
    "NumericEquals",
    "a.$",
    "a.=",
    "__Private_Parameters",
    "Ask",
]
values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 400) | st.floats(-2, 2) | st.sampled_from([*WORDS, *NAMES]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Each item in a document, as its container and key."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [(value, key) for key, _ in items]
    for _, key in list(found):
        found += places(value[key])
    return found


@st.composite
def definitions(draw: st.DrawFn) -> Any:
    """A valid definition with a few changes."""
    definition = copy.deepcopy(draw(st.sampled_from([*FLOWS, *RIGHT.values()])))
    for _ in range(draw(st.integers(1, 3))):
        everywhere = places(definition)
        if not everywhere:
            break
        container, key = draw(st.sampled_from(everywhere))
        change = draw(st.sampled_from(["replace", "remove", "add"]))
        if change == "remove":
            del container[key]
        elif change == "add" and isinstance(container, dict):
            container[draw(st.sampled_from(NAMES))] = draw(values)
        else:
            container[key] = draw(values)
    return definition


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(definitions(), st.dictionaries(st.sampled_from(["a", "answer", "utc_offset", "people", "_private"]), values))
def test_it_is_refused_or_runs_to_an_end(definition: Any, data: dict[str, Any]) -> None:
    loaded = Definition(from_data(definition))
    errors = errors_of(check(loaded))
    provider = StubProvider(outcomes=["FAILED", "INACTIVE", "SUCCEEDED"], seconds=400)
    options: Any = {"clock": ManualClock(), "answer": lambda _question: "yes", "most_visits": 300}
    if errors:
        with pytest.raises(DefinitionError):
            FlowRunner(definition, {"*": provider}, **options)
        return
    run = FlowRunner(definition, {"*": provider}, **options).run(data)
    assert run.status in ("SUCCEEDED", "FAILED")
    json.dumps(run.log, allow_nan=False)
    assert mermaid(loaded)
    assert tree(loaded)
