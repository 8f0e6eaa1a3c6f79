"""What Choice, Fail, and Wait states decide, and which Catch handles an error."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from .choices import matches, read_timestamp
from .errors import CATCH_ALL, LIMIT, NO_CHOICE, RUNTIME, TOO_LARGE, FlowError
from .schema import LONGEST_WAIT_SECONDS
from .scope import Scope

_NEVER_CAUGHT_BY_ALL = (RUNTIME, TOO_LARGE, LIMIT)


def find_catcher(state: Mapping[str, Any], error: FlowError) -> Mapping[str, Any] | None:
    """Return the first Catcher that handles an error. As in AWS, States.ALL excludes errors in the definition."""
    for catcher in state.get("Catch") or []:
        names = catcher["ErrorEquals"]
        if error.error in names:
            return catcher  # type: ignore[no-any-return] # check() has verified it
        if error.error not in _NEVER_CAUGHT_BY_ALL and any(name in names for name in CATCH_ALL):
            return catcher  # type: ignore[no-any-return]
    return None


def choose(state: Mapping[str, Any], scope: Scope) -> str:
    """Return the name of the state that a Choice state selects.

    :raises FlowError: no rule matches and there is no Default, or a path names nothing.
    """
    for rule in state["Choices"]:
        if matches(rule, scope):
            return str(rule["Next"])
    if state.get("Default") is None:
        raise FlowError(NO_CHOICE, "No rule matches, and there is no Default.")
    return str(state["Default"])


def failure_of(state: Mapping[str, Any], scope: Scope) -> FlowError:
    """Return the error of a Fail state."""
    error, cause = (
        scope.find(state[f"{name}Path"], f"{name}Path") if state.get(f"{name}Path") is not None else state.get(name)
        for name in ("Error", "Cause")
    )
    return FlowError(str(error or "Fail"), str(cause or "The flow reached a Fail state."))


def wait_until(state: Mapping[str, Any], scope: Scope, entered: datetime) -> datetime:
    """Return when a Wait state entered at this time ends; at most a year later.

    :raises FlowError: its path names nothing, or neither a time nor a number of seconds.
    """
    for name in ("Timestamp", "Seconds"):
        path = state.get(f"{name}Path")
        value = scope.find(path, f"{name}Path") if path is not None else state.get(name)
        if value is None:
            continue
        if name == "Timestamp":
            found = read_timestamp(value)
            if found is None:
                raise FlowError(RUNTIME, f"{str(value)[:80]!r} is not a time with an offset.")
            return min(found, entered + timedelta(seconds=LONGEST_WAIT_SECONDS + 1))
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= LONGEST_WAIT_SECONDS:
            raise FlowError(RUNTIME, f"{str(value)[:80]!r} is not a number of seconds up to a year.")
        return entered + timedelta(seconds=value)
    raise FlowError(RUNTIME, "The state does not say how long to wait.")
