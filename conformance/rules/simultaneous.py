"""Requests that are sent at the same moment, many times, because most races show up only now and then."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import combinations

from conformance.caller import new_id
from conformance.errors import NoResponse, Skip
from conformance.provider import ProviderUnderTest
from conformance.rate_limit import is_throttled
from conformance.response import Response
from conformance.rule import Finding, rule, warning, wrong
from conformance.rules.once import ONCE, SECTION

AT_ONCE = 8
"""How many requests are sent at the same moment."""

SECONDS = 20
"""How long new rounds are started."""


@rule(SECTION, ONCE)
def simultaneous_requests_start_one_action(provider: ProviderUnderTest) -> Iterator[Finding]:
    """The same request, sent several times at the same moment, starts one action; this is tried again and again."""
    provider.require_start()
    began, simultaneous, refused = time.monotonic(), 0, False
    for _ in range(provider.rounds):
        results = provider.creator.run_together(new_id(), AT_ONCE)
        responses = [result for result in results if isinstance(result, Response)]
        faults = list(_round_faults(responses))
        yield from faults
        for error in (result for result in results if isinstance(result, NoResponse)):
            raise error
        simultaneous += is_simultaneous(responses)
        if not faults and not refused and (refusals := [one for one in responses if _is_refusal(one)]):
            refused = True
            yield warning("a simultaneous repeat of a request is refused", *refusals[:1])
        throttled = [response for response in responses if is_throttled(response)]
        if throttled:
            provider.transport.rate_limit.wait(throttled[0], 1)
        if faults or throttled or time.monotonic() - began > SECONDS:
            break
    if not simultaneous and not faults:
        raise Skip("no two requests were accepted that were sent at the same moment")


def is_simultaneous(responses: Sequence[Response]) -> bool:
    """Return whether two successful requests were in flight at the same moment."""
    successes = [response for response in responses if response.is_success]
    return any(one.overlaps(other) for one, other in combinations(successes, 2))


def _round_faults(responses: Sequence[Response]) -> Iterator[Finding]:
    actions = {str(response.object.get("action_id")): response for response in responses if response.is_success}
    if len(actions) > 1:
        yield wrong(
            f"{AT_ONCE} simultaneous requests with one request_id started {len(actions)} actions", *actions.values()
        )
    failed = [response for response in responses if response.code >= 500 and not is_throttled(response)]
    if failed:
        yield wrong(f"of {AT_ONCE} simultaneous requests with one request_id, some fail", *failed[:1])


def _is_refusal(response: Response) -> bool:
    return not response.is_success and not is_throttled(response)
