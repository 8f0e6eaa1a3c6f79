"""Who has no valid token gets nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from conformance.caller import Caller
from conformance.rule import Finding, Skip, rule, warning, wrong
from conformance.rules.life_cycle import operations
from conformance.sources import api
from conformance.subject import Subject
from conformance.wire import Answer

SECTION = "Tokens"
UNAUTHORIZED = api("every operation", "response 401")


def attempts(it: Subject, caller: Caller) -> Iterator[Answer]:
    """Every operation, each on an action that exists."""
    action_id = it.start()["action_id"]
    yield caller.run()
    tries: list[Callable[[str], Answer]] = [caller.status, caller.cancel, caller.release]
    for attempt in [*tries, caller.log] if "log" in operations(it) else tries:
        yield attempt(action_id)


def faults(answers: Iterator[Answer]) -> Iterator[Finding]:
    for answer in answers:
        if answer.is_success:
            yield wrong(f"{answer.method} {answer.asked.split(' ', 2)[2]} does its work, where 401 is meant", answer)
        elif answer.code != 401:
            yield wrong(f"a request {answer.who} is answered with {answer.code}, where 401 is meant", answer)


@rule(SECTION, UNAUTHORIZED)
def without_a_token_every_operation_is_refused(it: Subject) -> Iterator[Finding]:
    """run, status, cancel, release and log without an Authorization header are answered with 401, and do nothing."""
    yield from faults(attempts(it, it.nobody))


@rule(SECTION, UNAUTHORIZED)
def with_an_unknown_token_every_operation_is_refused(it: Subject) -> Iterator[Finding]:
    """run, status, cancel, release and log with a token that nobody has issued are answered with 401, and do
    nothing."""
    yield from faults(attempts(it, it.stranger))


@rule(SECTION, UNAUTHORIZED)
def a_malformed_authorization_header_is_refused(it: Subject) -> Iterator[Finding]:
    """An Authorization header that has no bearer token is answered with 401."""
    it.require_start()
    for caller in it.malformed:
        yield from faults(iter([caller.run()]))


@rule(SECTION, "RFC 6750, section 3; RFC 9110, section 11.6.1")
def a_refusal_names_the_scheme(it: Subject) -> Iterator[Finding]:
    """Recommended: an answer with 401 has the header WWW-Authenticate: Bearer."""
    refused = [answer for answer in it.wire.answers if answer.code == 401]
    if not refused:
        raise Skip("nothing was answered with 401")
    for answer in refused:
        if not answer.headers.get("WWW-Authenticate", "").lower().startswith("bearer"):
            yield warning("a 401 does not say WWW-Authenticate: Bearer", answer)
            return
