"""What holds for every response of the whole run. These rules check what the others have seen, so they come last."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from conformance.documents import COMPLETE, changed_fields, status_faults
from conformance.errors import Skip
from conformance.optional import ABSENT
from conformance.provider import ProviderUnderTest
from conformance.response import Response
from conformance.rule import Finding, Outcome, rule, warning, wrong
from conformance.sources import api, guide

SECTION = "All responses"

_RUN_PATH = re.compile(r"^POST /(run|actions)$")
_STATUS_PATH = re.compile(rf"{_RUN_PATH.pattern}|/(status|cancel|release|resume)$|/actions/<action_id>$")
_OPTIONAL_PATH = re.compile(r"^/actions\b|/resume$")
_ID_PATH = re.compile(r"^(/actions)?/(?!run$|actions)[^/?]+")


def status_responses(provider: ProviderUnderTest) -> list[Response]:
    """Return the successful responses that must be the status of an action."""
    responses = [response for response in provider.transport.responses if response not in provider.tolerated]
    return [response for response in responses if response.is_success and _STATUS_PATH.search(operation(response))]


def operation(response: Response) -> str:
    """Return the method and the path, without an id and a query."""
    path = _ID_PATH.sub(r"\1/<action_id>", response.path.partition("?")[0])
    return f"{response.method} {path or '/'}"


def _is_absent(response: Response) -> bool:
    """Return whether the web server itself may have answered, for an operation that the provider left out."""
    return response.code in ABSENT and bool(_OPTIONAL_PATH.search(response.path))


@rule(
    SECTION,
    api("schema ProviderDescription", "synchronous"),
    title="A synchronous provider returns only complete actions",
)
def a_synchronous_provider_answers_with_the_end(provider: ProviderUnderTest) -> Iterator[Finding]:
    """If the description says synchronous, every POST /run is answered with an action that is SUCCEEDED or FAILED."""
    if provider.description.get("synchronous") is not True:
        raise Skip("the provider does not call itself synchronous")
    provider.require_start()
    for response in status_responses(provider):
        status = response.object.get("status")
        if _RUN_PATH.search(operation(response)) and status not in COMPLETE:
            yield wrong(f"the provider calls itself synchronous, but answers {status}", response)
            return


@rule(SECTION, guide("Action Lifecycle", "on completed states"))
def a_complete_action_never_changes_again(provider: ProviderUnderTest) -> Iterator[Finding]:
    """Before its end, an action may show progress (details, display_status). Afterwards run, status, cancel, release,
    and resume all show the same status."""
    ends: dict[str, Response] = {}
    reported: set[tuple[str, str]] = set()
    for response in status_responses(provider):
        action_id = response.object.get("action_id")
        if not isinstance(action_id, str):
            continue
        end = ends.get(action_id)
        if end is None and response.object.get("status") in COMPLETE:
            ends[action_id] = response
        elif end is not None and response.sent_at > end.received_at:
            for field in changed_fields(end.object, response.object):
                if (operation(response), field) not in reported:
                    reported.add((operation(response), field))
                    yield _change(field, end, response)
    if not ends:
        raise Skip("no action was seen complete")


def _change(field: str, end: Response, response: Response) -> Finding:
    """Report a change after the end: a warning if only the display_status of different operations differs.

    The toolkit's example writes "Released by …" into it on release.
    """
    is_wording = field == "display_status" and {end.method, response.method} != {"GET"}
    kind = warning if is_wording else wrong
    return kind(f"{operation(response)} shows another {field} of a complete action", end, response)


@rule(SECTION, api("schema ActionStatus"), title="Every status has the required form")
def every_status_has_the_form_of_the_interface(provider: ProviderUnderTest) -> Iterator[Finding]:
    """run, status, cancel, and release answer with an object that has action_id, status (one of the four), creator_id
    (a principal URN), and details (an object); all other fields have the form that the interface defines."""
    responses = status_responses(provider)
    if not responses:
        raise Skip("no status was seen")
    seen: set[tuple[Outcome, str]] = set()
    for response in responses:
        for finding in status_faults(response.json) if response.is_json else ():
            field = (finding.outcome, finding.message.split(":")[0])
            if field not in seen:
                seen.add(field)
                yield Finding(finding.outcome, f"{operation(response)}: {finding.message}", (response,))


@rule(SECTION, api("every operation", "content application/json"))
def every_success_is_json(provider: ProviderUnderTest) -> Iterator[Finding]:
    """Successful responses are JSON, with a Content-Type that says so."""
    yield from _not_json([response for response in provider.transport.responses if response.is_success], wrong)


@rule(SECTION, "Globus' SDK shows the text of an error only if it is JSON; the toolkit's errors are")
def every_error_is_json(provider: ProviderUnderTest) -> Iterator[Finding]:
    """Recommended: errors are JSON as well, so that clients can show what is wrong."""
    errors = [response for response in provider.transport.responses if response.code >= 400]
    yield from _not_json([response for response in errors if not _is_absent(response)], warning)


def _not_json(responses: list[Response], kind: Callable[..., Finding]) -> Iterator[Finding]:
    if not responses:
        raise Skip("there was no such response")
    seen: set[str] = set()
    for response in responses:
        is_typed = response.content_type == "application/json" or response.content_type.endswith("+json")
        fault = "" if response.is_json else "is not JSON"
        fault = fault or ("" if is_typed else f"has the Content-Type {response.content_type or '(none)'}")
        if fault and operation(response) not in seen:
            seen.add(operation(response))
            yield kind(f"the response to {operation(response)} {fault}", response)


@rule(
    SECTION,
    f"{api('every operation')}: no operation has such a response; RFC 9110, section 15.6",
    title="No request makes the provider fail",
)
def nothing_makes_the_provider_fail(provider: ProviderUnderTest) -> Iterator[Finding]:
    """No request is answered with 500 or above, however wrong it is (501 is accepted for an operation that a provider
    can leave out)."""
    seen: set[str] = set()
    for response in provider.transport.responses:
        if response.code >= 500 and not _is_absent(response) and operation(response) not in seen:
            seen.add(operation(response))
            yield wrong(f"{operation(response)} is answered with {response.code}", response)
