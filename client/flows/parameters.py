"""The input of a state: Parameters with their paths and expressions, or InputPath; and what is private in it."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

from .definition import PRIVATE_PARAMETERS
from .errors import RESULT_PATH, FlowError
from .paths import compile_result_path, put
from .scope import Scope

TOKENS = "_tokens"
"""The key of a run's input that holds tokens for the roles of RunAs."""


def evaluate(value: Any, scope: Scope) -> Any:
    """Return Parameters with their paths and expressions replaced by values.

    :raises FlowError: a path names nothing, or an expression cannot be evaluated.
    """
    if isinstance(value, list):
        return [evaluate(item, scope) for item in value]
    if not isinstance(value, Mapping):
        return value
    found: dict[str, Any] = {}
    for key, item in value.items():
        if key.endswith(".$"):
            found[key[:-2]] = scope.find(item, key)
        elif key.endswith(".="):
            found[key[:-2]] = scope.evaluate(item, key)
        elif key != PRIVATE_PARAMETERS:
            found[key] = evaluate(item, scope)
    return found


def input_of(state: Mapping[str, Any], scope: Scope) -> Any:
    """Return the input of a state: its Parameters, the value of its InputPath, or else the whole state of the run.

    :raises FlowError: it cannot be found.
    """
    if state.get("Result") is not None:
        return scope.data
    if state.get("InputPath") is not None:
        scope = scope.within(scope.find(state["InputPath"], "InputPath"))
    if state.get("Parameters") is not None:
        return evaluate(state["Parameters"], scope)
    return scope.data


def put_result(data: Any, result_path: str | None, value: Any) -> Any:
    """Return the state of the run with a result added; without a ResultPath, the result replaces it.

    :raises FlowError: the path leads through something that is not an object.
    """
    try:
        return put(data, compile_result_path(result_path or "$"), value)
    except LookupError as error:
        cause = f"Unable to apply ResultPath '{result_path}': {error.args[0]}."
        raise FlowError(RESULT_PATH, cause) from error


def hide(value: Any, parameters: Any = None) -> Any:
    """Return `value` without private parts: keys that begin with ``_private``, tokens, and private Parameters.

    :param parameters: the Parameters from which the value was made.
    """
    if isinstance(value, Mapping):
        known = parameters if isinstance(parameters, Mapping) else {}
        names = _private_names(known)
        shown = {key: hide(item, known.get(key)) for key, item in value.items() if not _is_hidden(key, names)}
        same = len(shown) == len(value) and all(shown[key] is item for key, item in value.items())
        return value if same else shown  # equal parts are kept only once
    if isinstance(value, list):
        fits = isinstance(parameters, list) and len(parameters) == len(value)
        items = [hide(item, parameters[index] if fits else None) for index, item in enumerate(value)]
        return value if all(map(operator.is_, items, value)) else items
    return value


def _is_hidden(key: str, names: set[str]) -> bool:
    return key in names or key == TOKENS or key.startswith("_private")


def _private_names(parameters: Mapping[str, Any]) -> set[str]:
    listed = parameters.get(PRIVATE_PARAMETERS)
    names = {name for name in listed if isinstance(name, str)} if isinstance(listed, list) else set()
    return {name.removesuffix(".$").removesuffix(".=") for name in names}
