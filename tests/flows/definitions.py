"""Short ways to write flow definitions in tests."""

from __future__ import annotations

from typing import Any

URL = "https://actions.example.org/time"
Data = dict[str, Any]


def flow(**states: Data) -> Data:
    """A definition that starts at the first of the states."""
    return {"StartAt": next(iter(states)), "States": states}


def action(**fields: Any) -> Data:
    """An Action state that ends the flow, unless it has a Next."""
    state: Data = {"Type": "Action", "ActionUrl": URL, "ResultPath": "$.result", **fields}
    if "InputPath" not in state:
        state.setdefault("Parameters", {})
    return state if "Next" in state else {**state, "End": True}


def pass_on(**fields: Any) -> Data:
    """A Pass state that ends the flow, unless it has a Next."""
    return {"Type": "Pass", **fields} if "Next" in fields else {"Type": "Pass", **fields, "End": True}


def evaluate(text: str, **more: Any) -> Data:
    """A flow that puts the value of an expression into ``$.value``."""
    state = {"Type": "ExpressionEval", "Parameters": {"value.=": text}, "ResultPath": "$.found", "End": True, **more}
    return flow(Evaluate=state)
