"""A whole run: can this provider be tested at all, every rule in order, and the cleaning up."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import conformance.rules  # noqa: F401 - fills RULES
from conformance.documents import compile_schema
from conformance.rule import RULES, Result, try_rule
from conformance.subject import Subject
from conformance.wire import Answer, NoAnswer


class Untestable(Exception):
    """This provider cannot be tested with what was given; says what to do."""


def require_testable(it: Subject) -> None:
    """:raises Untestable: nobody answers, the token is not taken, or the body is not."""
    first = _first_answer(it)
    if first is None:
        return
    if first.code in (401, 403):
        raise Untestable(f"the provider does not take the token, or not for starting actions: {first}")
    if first.code in (400, 422) and not _allows_body(it):
        raise Untestable(f"the provider does not take the body: {first}. Give one that is valid with --body.")


def _first_answer(it: Subject) -> Answer | None:
    """The answer to the first run, or None where introspection alone is answered."""
    try:
        _ = it.introspected
        reason = None
    except NoAnswer as error:
        reason = str(error)
    try:
        return it.first_run
    except NoAnswer as error:
        if reason is None:
            return None
        raise Untestable(f"the provider does not answer. {reason}; {error}") from error


def _allows_body(it: Subject) -> bool:
    schema = it.description.get("input_schema")
    try:
        return isinstance(schema, dict) and compile_schema(schema).is_valid(it.body)
    except ValueError:
        return False


def run(it: Subject, say: Callable[[str], None]) -> tuple[Sequence[Result], Sequence[str]]:
    """Try every rule.

    :returns: what came of each, and the ids of the actions that could not be released.
    :raises Untestable: see require_testable.
    """
    try:
        require_testable(it)
        results = []
        for number, rule in enumerate(RULES, start=1):
            say(f"{number}/{len(RULES)} {rule.title}")
            results.append(try_rule(rule, it))
    finally:
        say("Cleaning up …")
        left = it.clean_up()
    return results, left
