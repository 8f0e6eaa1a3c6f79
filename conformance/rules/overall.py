"""What holds for every answer of the whole run. These rules look at what the others have seen, so they come last."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from conformance.documents import status_faults
from conformance.rule import Finding, Outcome, Skip, rule, warning, wrong
from conformance.sources import api
from conformance.subject import Subject
from conformance.wire import Answer

SECTION = "All answers"

_STATUS_PATH = re.compile(r"^POST /(run|actions)$|/(status|cancel|release)$|/actions/<action_id>$")
_ID_PATH = re.compile(r"^(/actions)?/(?!run$|actions)[^/?]+")


def status_answers(it: Subject) -> list[Answer]:
    """Successful answers that must be the status of an action."""
    answers = [answer for answer in it.wire.answers if answer not in it.odd_answers]
    return [answer for answer in answers if answer.is_success and _STATUS_PATH.search(operation(answer))]


def operation(answer: Answer) -> str:
    """The method and the path, without an id."""
    path = _ID_PATH.sub(r"\1/<action_id>", answer.path)
    return f"{answer.method} {path or '/'}"


@rule(SECTION, api("schema ActionStatus"))
def every_status_has_the_form_of_the_interface(it: Subject) -> Iterator[Finding]:
    """run, status, cancel and release answer with an object that has action_id, status (one of the four), creator_id (a
    principal URN) and details (an object); what else it has is of the form that the interface gives it."""
    answers = status_answers(it)
    if not answers:
        raise Skip("no status was seen")
    seen: set[tuple[Outcome, str]] = set()
    for answer in answers:
        for finding in status_faults(answer.json) if answer.is_json else ():
            field = (finding.outcome, finding.says.split(":")[0])
            if field not in seen:
                seen.add(field)
                yield Finding(finding.outcome, f"{operation(answer)}: {finding.says}", (answer,))


@rule(SECTION, api("every operation", "content application/json"))
def every_success_is_json(it: Subject) -> Iterator[Finding]:
    """What the interface has answered with a document is JSON, and says so in its Content-Type."""
    yield from _not_json([answer for answer in it.wire.answers if answer.is_success], wrong)


@rule(SECTION, "Globus' SDK shows the words of an error only where it is JSON; the toolkit's errors are")
def every_error_is_json(it: Subject) -> Iterator[Finding]:
    """Recommended: errors are JSON as well, so that clients can show what is wrong."""
    yield from _not_json([answer for answer in it.wire.answers if answer.code >= 400], warning)


def _not_json(answers: list[Answer], kind: Callable[..., Finding]) -> Iterator[Finding]:
    if not answers:
        raise Skip("there was no such answer")
    seen: set[str] = set()
    for answer in answers:
        is_typed = answer.content_type == "application/json" or answer.content_type.endswith("+json")
        fault = "" if answer.is_json else "is no JSON"
        fault = fault or ("" if is_typed else f"has the Content-Type {answer.content_type or '(none)'}")
        if fault and operation(answer) not in seen:
            seen.add(operation(answer))
            yield kind(f"the answer to {operation(answer)} {fault}", answer)


@rule(SECTION, f"{api('every operation')}: no operation has such a response; RFC 9110, section 15.6")
def nothing_makes_the_provider_fail(it: Subject) -> Iterator[Finding]:
    """No request is answered with 500 or above, however wrong it is."""
    seen: set[str] = set()
    for answer in it.wire.answers:
        if answer.code >= 500 and operation(answer) not in seen:
            seen.add(operation(answer))
            yield wrong(f"{operation(answer)} is answered with {answer.code}", answer)
