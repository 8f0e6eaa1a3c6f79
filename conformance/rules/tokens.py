"""A request without a valid token is refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from conformance.caller import Caller
from conformance.errors import Skip
from conformance.provider import ProviderUnderTest
from conformance.response import Response
from conformance.rule import Finding, rule, warning, wrong
from conformance.sources import api

SECTION = "Tokens"
UNAUTHORIZED = api("every operation", "response 401")


def attempts(provider: ProviderUnderTest, caller: Caller) -> Iterator[Response]:
    """Call every operation that this provider has, each on an action that exists."""
    action_id = provider.start()["action_id"]
    yield caller.run()
    for operation in provider.optional.of(caller).values():
        yield operation(action_id)


def faults(responses: Iterable[Response]) -> Iterator[Finding]:
    for response in responses:
        if response.is_success:
            yield wrong(f"a request {response.caller} is accepted instead of refused with 401", response)
        elif response.code != 401:
            yield wrong(f"a request {response.caller} is answered with {response.code} instead of 401", response)


@rule(SECTION, UNAUTHORIZED)
def without_a_token_every_operation_is_refused(provider: ProviderUnderTest) -> Iterator[Finding]:
    """run, status, cancel, release, and log without an Authorization header are answered with 401, and do nothing."""
    yield from faults(attempts(provider, provider.anonymous))


@rule(SECTION, UNAUTHORIZED)
def with_an_unknown_token_every_operation_is_refused(provider: ProviderUnderTest) -> Iterator[Finding]:
    """run, status, cancel, release, and log with a token that was never issued are answered with 401, and do
    nothing."""
    yield from faults(attempts(provider, provider.unknown))


@rule(SECTION, UNAUTHORIZED)
def a_malformed_authorization_header_is_refused(provider: ProviderUnderTest) -> Iterator[Finding]:
    """An Authorization header without a bearer token is answered with 401."""
    provider.require_start()
    for caller in provider.malformed:
        yield from faults([caller.run()])


@rule(SECTION, "RFC 6750, section 3; RFC 9110, section 11.6.1")
def a_refusal_names_the_scheme(provider: ProviderUnderTest) -> Iterator[Finding]:
    """Recommended: a response with 401 has the header WWW-Authenticate: Bearer."""
    refused = [response for response in provider.transport.responses if response.code == 401]
    if not refused:
        raise Skip("no request was answered with 401")
    for response in refused:
        if not response.headers.get("WWW-Authenticate", "").lower().startswith("bearer"):
            yield warning("a 401 does not say WWW-Authenticate: Bearer", response)
            return
