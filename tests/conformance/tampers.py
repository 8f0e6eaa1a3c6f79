"""Defects of the example provider, and runs of the suite on it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from werkzeug.wrappers import Response

from conformance.provider import ProviderUnderTest
from conformance.rule import RULES, Outcome, Result, check_rule
from conformance.suite import Report, run
from tests.conformance.example_provider import ANNE, BERT, Answer, Call, Tamper, serving

HOUR = 3600


@contextmanager
def suite_on(provider: Any, **options: Any) -> Iterator[ProviderUnderTest]:
    """Serve a provider and yield it as the suite sees it."""
    defaults = {"other_token": BERT, "wait_seconds": 5, "rounds": 3}
    with serving(provider) as url:
        yield ProviderUnderTest(url, ANNE, {"text": "hello"}, **{**defaults, **options})


def outcomes(results: Iterable[Result], outcome: Outcome) -> set[str]:
    """Return the names of the rules with this outcome."""
    return {result.rule.name for result in results if result.outcome == outcome}


def check_all(provider: ProviderUnderTest) -> Report:
    return run(provider, say=lambda _text: None)


def check(provider: ProviderUnderTest, name: str) -> Result:
    """Return the result of one rule, after those that it builds on."""
    for rule in RULES:
        if rule.name in PRECEDING and PRECEDING.index(rule.name) < _place(name):
            check_rule(rule, provider)
    return check_rule(next(rule for rule in RULES if rule.name == name), provider)


PRECEDING = [
    "a_valid_request_starts_an_action",
    "status_shows_the_action",
    "an_unknown_action_is_not_found",
    "a_request_without_body_is_refused",
    "without_a_token_every_operation_is_refused",
    "a_complete_action_does_not_change",
    "a_complete_action_can_be_released",
]
LATE = [rule.name for rule in RULES if rule.section in ("Release", "All responses")] + ["a_refusal_names_the_scheme"]


def _place(name: str) -> int:
    if name in PRECEDING:
        return PRECEDING.index(name)
    return len(PRECEDING) if name in LATE else 0


def code(operation: str, old: int, new: int) -> Tamper:
    """Make the operation answer with another code."""
    return lambda call, code, document: (new if (call.operation, code) == (operation, old) else code, document)


def every_code(old: int, new: int) -> Tamper:
    return lambda _call, code, document: (new if code == old else code, document)


def fields(operations: str, **changed: Any) -> Tamper:
    """Change fields in the successful answers of these operations; None removes one, ... makes it null."""

    def tamper(call: Call, code: int, document: Any) -> Answer:
        if call.operation in operations.split() and code < 300:
            document = {name: value for name, value in {**document, **changed}.items() if value is not None}
            document = {name: None if value is ... else value for name, value in document.items()}
        return code, document

    return tamper


def once_complete(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Tamper:
    """Change the status of complete actions."""

    def tamper(call: Call, code: int, document: Any) -> Answer:
        is_complete = call.operation == "status" and document.get("status") in ("SUCCEEDED", "FAILED")
        return code, {**document, **change(document)} if is_complete else document

    return tamper


def raw(operation: str, content: str, content_type: str = "application/json", status: int = 200) -> Tamper:
    """Make the operation answer with this."""
    return lambda call, code, document: (
        Response(content, status, content_type=content_type) if call.operation == operation else (code, document)
    )


def crash_on(operation: str, part: bytes) -> Tamper:
    """Fail on requests that contain this."""
    return lambda call, code, document: (
        (500, {}) if call.operation == operation and part in call.data + call.action_id.encode() else (code, document)
    )


def not_for(caller: str | None, operation: str, new: int) -> Tamper:
    return lambda call, code, document: (
        (new, {}) if (call.caller, call.operation) == (caller, operation) else (code, document)
    )


def takes(part: bytes) -> Tamper:
    """Accept invalid requests that contain this."""
    taken = {"action_id": "taken", "status": "ACTIVE", "details": {}, "creator_id": "urn:…"}
    return lambda call, code, document: (202, taken) if code == 400 and part in call.data else (code, document)


def open_to(who: Callable[[Call], bool], operation: str) -> Tamper:
    """Answer 200 to these callers."""
    return lambda call, code, document: (200, {}) if call.operation == operation and who(call) else (code, document)


class Changing:
    """Details that differ each time."""

    def __init__(self) -> None:
        self.number = 0

    def __call__(self, _document: dict[str, Any]) -> dict[str, Any]:
        self.number += 1
        return {"details": {"number": self.number}}


def is_nobody(call: Call) -> bool:
    return call.caller is None


class NowAndThen:
    """Answer with this document every third time."""

    def __init__(self, operation: str, **changed: Any) -> None:
        self.operation = operation
        self.changed = changed
        self.number = 0

    def __call__(self, call: Call, code: int, document: Any) -> Answer:
        if call.operation != self.operation or code >= 300:
            return code, document
        self.number += 1
        return code, {**document, **self.changed} if self.number % 3 == 0 else document


def no_www_authenticate(_call: Call, code: int, document: Any) -> Any:
    return Response("{}", 401, content_type="application/json") if code == 401 else (code, document)


def forgets_creators(call: Call, code: int, document: Any) -> Answer:
    """Hide an action from its creator if it names only others."""
    is_for_others = code == 200 and call.operation == "status" and call.caller not in document["monitor_by"]
    return (404, {}) if is_for_others else (code, document)


def enumerates_both(call: Call, code: int, document: Any) -> Answer:
    if call.operation == "actions" and isinstance(document, list):
        return code, [{"action_id": "x", "status": "FAILED"}, {"action_id": "y", "status": "ACTIVE"}]
    return code, document


class RemembersForever:
    """Refuse the request_ids of released actions."""

    def __init__(self) -> None:
        self.known: set[str] = set()

    def __call__(self, call: Call, code: int, document: Any) -> Answer:
        if call.operation != "run" or code != 202:
            return code, document
        request_id = json.loads(call.data)["request_id"]
        is_known = request_id in self.known
        self.known.add(request_id)
        return (409, {}) if is_known else (code, document)
