"""A whole run: check that the provider can be tested, then every rule in order, then clean up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import conformance.rules  # noqa: F401 - fills RULES
from conformance.clean_up import clean_up
from conformance.documents import compile_schema
from conformance.errors import NoResponse, RateLimited, Untestable
from conformance.provider import ProviderUnderTest
from conformance.response import Response
from conformance.rule import RULES, Result, check_rule


@dataclass(frozen=True)
class Report:
    """What a run found.

    `not_released` are the ids of actions that remain at the provider; `stopped` says why the run ended early, and
    `other_token_problem` why the other token could not be used, if so.
    """

    url: str
    results: Sequence[Result]
    not_released: Sequence[str] = ()
    stopped: str = ""
    other_token_problem: str = ""


def run(provider: ProviderUnderTest, say: Callable[[str], None]) -> Report:
    """Check every rule, or as many as the provider responds to.

    :raises Untestable: there is no provider at the URL, or it does not accept the token or the body.
    """
    results: list[Result] = []
    stopped = problem = ""
    is_there = True
    try:
        require_testable(provider)
        problem = provider.other_user.problem
        if problem:
            say(f"Error: {problem}.")
        results.extend(_check_rules(provider, say))
    except _Stopped as error:
        results.extend(error.results)
        stopped, is_there = str(error), error.is_there
    except RateLimited as error:
        raise Untestable(str(error)) from error
    finally:
        if is_there:
            say("Cleaning up …")
        left = clean_up(provider) if is_there else list(provider.started)
    return Report(provider.url, results, left, stopped, problem)


class _Stopped(Exception):
    """Raised when the run cannot go on.

    :param results: the results of the rule being checked, and of the rest, which are skipped.
    :param is_there: whether the provider still answers.
    """

    def __init__(self, reason: str, results: Sequence[Result], *, is_there: bool) -> None:
        super().__init__(reason)
        self.results = results
        self.is_there = is_there


def _check_rules(provider: ProviderUnderTest, say: Callable[[str], None]) -> Iterator[Result]:
    for number, rule in enumerate(RULES):
        say(f"{number + 1}/{len(RULES)} {rule.title}")
        silence = provider.transport.silence
        try:
            result = check_rule(rule, provider)
        except RateLimited as error:
            rest = [Result(rule, (), str(error)) for rule in RULES[number:]]
            raise _Stopped(str(error), rest, is_there=True) from error
        if provider.transport.silence > silence and not provider.still_responds():
            reason = "the provider stopped answering"
            said = "; ".join(finding.message for finding in result.findings) or result.reason
            where = f"{reason} at rule {number + 1} of {len(RULES)}, {rule.title!r}: {said}"
            raise _Stopped(where, [Result(rule, (), reason) for rule in RULES[number:]], is_there=False)
        yield result


def require_testable(provider: ProviderUnderTest) -> None:
    """:raises Untestable: there is no provider at the URL, or it does not accept the token or the body."""
    first = _first_response(provider)
    if first is None:
        return
    is_described = _describes_a_provider(provider)
    if first.code in (401, 403):
        or_else = "" if is_described else ", or there is no Action Provider at this URL"
        raise Untestable(f"the provider does not accept the token, or not for starting actions{or_else}: {first}")
    if not is_described and not (first.is_success and "action_id" in first.object):
        raise Untestable(
            f"there is no Action Provider at this URL: {first}. Set --action-url to the URL where introspection is."
        )
    if first.code in (400, 422) and not _allows_body(provider):
        raise Untestable(f"the provider does not accept the body: {first}. Give a valid one with --body.")


def _first_response(provider: ProviderUnderTest) -> Response | None:
    """Return the response to the first run, or None if only introspection is answered."""
    try:
        _ = provider.introspected
        reason = None
    except NoResponse as error:
        reason = str(error)
    try:
        return provider.first_run
    except NoResponse as error:
        if reason is None and _describes_a_provider(provider):
            return None
        where = f"{reason}; {error}" if reason else str(error)
        raise Untestable(f"the provider does not answer. {where}") from error


def _describes_a_provider(provider: ProviderUnderTest) -> bool:
    """Return whether introspection answers with anything that only a provider would say."""
    return bool(provider.description.keys() & {"globus_auth_scope", "input_schema", "runnable_by", "synchronous"})


def _allows_body(provider: ProviderUnderTest) -> bool:
    schema = provider.description.get("input_schema")
    try:
        return isinstance(schema, dict) and compile_schema(schema).is_valid(provider.body)
    except ValueError:
        return False
