"""What happens to an action from its start to its end."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.caller import new_id
from conformance.documents import COMPLETE, changed_fields
from conformance.errors import Skip
from conformance.provider import ProviderUnderTest
from conformance.response import Response
from conformance.rule import Finding, rule, warning, wrong
from conformance.sources import api, guide

SECTION = "The life of an action"
LIFE = "Action Lifecycle"


@rule(SECTION, api("GET /{action_id}/status", "response 200"))
def status_shows_the_action(provider: ProviderUnderTest) -> Iterator[Finding]:
    """GET /<action_id>/status answers 200 with the status of that action."""
    started = provider.first
    response = provider.creator.status(started["action_id"])
    if response.code != 200:
        yield wrong(f"the status of an action that was just started is answered with {response.code}", response)
        return
    for field in ("action_id", "creator_id"):
        if field in started and response.object.get(field) != started[field]:
            yield wrong(f"status shows another {field} than run did", provider.first_run, response)


@rule(SECTION, api("GET /{action_id}/status, POST /{action_id}/cancel and /release", "response 404"))
def an_unknown_action_is_not_found(provider: ProviderUnderTest) -> Iterator[Finding]:
    """status, cancel, release, and log answer 404 for an action that does not exist; so does resume, if there is
    one."""
    provider.require_start()
    for name, operation in provider.optional.of(provider.creator).items():
        for action_id in (new_id(), "no-such-action"):
            response = operation(action_id)
            message = f"{name} of an unknown action is answered with {response.code} instead of 404"
            is_documented = name != "resume" and action_id != "no-such-action"
            if response.is_success or response.code >= 500 or (is_documented and response.code != 404):
                yield wrong(message, response)
            elif response.code != 404:
                yield warning(message, response)


@rule(
    SECTION,
    api("POST /{action_id}/release", "response 409"),
    title="An action that is not complete cannot be released",
)
def an_action_that_is_not_complete_cannot_be_released(provider: ProviderUnderTest) -> Iterator[Finding]:
    """release of an action that is not complete is answered with 409, and the action goes on."""
    action = provider.start_running()
    before = provider.creator.status(action["action_id"])
    response = provider.creator.release(action["action_id"])
    if response.is_success and response.object.get("status") in COMPLETE:
        raise Skip("the action was complete before it could be released")
    if response.is_success:
        yield wrong("an action that is not complete is released", response)
    elif response.code != 409:
        yield wrong(
            f"release of an action that is not complete is answered with {response.code} instead of 409", response
        )
    after = provider.creator.status(action["action_id"])
    if before.is_success and not response.is_success and not after.is_success:
        yield wrong("after a release that was refused, the action is gone", response, after)


@rule(SECTION, api("POST /{action_id}/cancel", "response 200"), title="An action that is not complete can be canceled")
def an_action_that_is_not_complete_can_be_cancelled(provider: ProviderUnderTest) -> Iterator[Finding]:
    """cancel of a running action is answered with 200 and its status, or with 400 if the provider cannot cancel.
    It is a hint: the action may go on."""
    action = provider.start_running()
    before = provider.creator.status(action["action_id"])
    response = provider.creator.cancel(action["action_id"])
    if response.code == 400:
        raise Skip("the provider does not support cancel (400)")
    after = provider.creator.status(action["action_id"])
    if response.code == 409 and after.object.get("status") in COMPLETE:
        raise Skip("the action was complete before it could be canceled")
    if response.code != 200:
        yield wrong(f"cancel of a running action is answered with {response.code}", response)
    elif response.object.get("action_id") != action["action_id"]:
        yield wrong("cancel does not answer with the status of the action", response)
    if response.code == 200 and before.is_success and not after.is_success:
        yield wrong("after a cancel, the status of the action is gone", response, after)
    elif response.object.get("status") in COMPLETE and after.object.get("status") != response.object["status"]:
        yield wrong("cancel and the status after it disagree on how the action ended", response, after)


@rule(SECTION, guide(LIFE))
def an_action_comes_to_an_end(provider: ProviderUnderTest) -> Iterator[Finding]:
    """An action becomes SUCCEEDED or FAILED, and shows when that was."""
    ended = provider.ended
    responses = [response for response in provider.transport.responses if response.object == ended][-1:]
    if provider.action_end.ran_out_of_time:
        yield warning("no action ended by itself in time, so one was canceled: raise --timeout", *responses)
    if ended.get("completion_time") is None:
        yield warning("the status of a complete action has no completion_time", *responses)


@rule(SECTION, guide(LIFE, "on completed states"))
def a_complete_action_does_not_change(provider: ProviderUnderTest) -> Iterator[Finding]:
    """Once an action is SUCCEEDED or FAILED, its status stays as it is: details, display_status, and times, too."""
    action_id = provider.ended["action_id"]
    first, second = provider.creator.status(action_id), provider.creator.status(action_id)
    yield from change_faults(first, second)
    if first.is_success and provider.first["status"] in COMPLETE:
        yield from change_faults(provider.first_run, first)


@rule(
    SECTION, f"{api('POST /{action_id}/cancel', 'response 409')}; {guide('Monitoring and Managing an Action')}, cancel"
)
def cancel_of_a_complete_action_changes_nothing(provider: ProviderUnderTest) -> Iterator[Finding]:
    """cancel of a complete action is answered with 409, or with 200 and its status; the action ended as before."""
    action_id = provider.ended["action_id"]
    before = provider.creator.status(action_id)
    response = provider.creator.cancel(action_id)
    after = provider.creator.status(action_id)
    if response.code == 400 and not provider.optional.refuses_every_cancel:
        yield warning("cancel of a complete action is answered with 400 instead of 409", response)
    elif response.code not in (200, 400, 409):
        yield wrong(f"cancel of a complete action is answered with {response.code}", response)
    yield from change_faults(before, after)


def change_faults(before: Response, after: Response) -> Iterator[Finding]:
    """Yield the differences between two statuses of a complete action."""
    if not before.is_success or not after.is_success:
        yield wrong("the status of a complete action cannot be seen", before, after)
        return
    for field in changed_fields(before.object, after.object):
        yield wrong(f"{field} of a complete action changed", before, after)
