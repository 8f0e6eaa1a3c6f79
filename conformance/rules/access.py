"""Who can see an action, and who can manage it."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.documents import COMPLETE, STATUSES
from conformance.errors import Skip
from conformance.provider import ProviderUnderTest
from conformance.response import Response
from conformance.rule import Finding, rule, warning, wrong
from conformance.sources import api, guide

SECTION = "Other users"
WHO = guide("Starting an Action: The Action Request Document", "manage_by and monitor_by")


def denial_faults(response: Response, what: str) -> Iterator[Finding]:
    """Yield what is wrong with the response to a user who is not allowed to do this."""
    if response.is_success:
        yield wrong(f"a user without permission can {what} an action", response)
    elif response.code == 401:
        yield wrong(
            f"a user without permission to {what} an action gets 401, which is for invalid tokens, instead of 403",
            response,
        )
    elif response.code == 409:
        yield warning(
            f"a user without permission to {what} an action learns its state (409) instead of 403 or 404", response
        )
    elif response.code not in (403, 404):
        yield wrong(
            f"a user without permission to {what} an action gets {response.code} instead of 403 or 404", response
        )
    elif response.object.get("status") in STATUSES and "details" in response.object:
        yield wrong(f"the response to a user without permission to {what} an action shows the action", response)


@rule(SECTION, api("schema ActionStatus", "creator_id"), title="The creator is the user who started the action")
def the_creator_is_whoever_has_started_the_action(provider: ProviderUnderTest) -> Iterator[Finding]:
    """creator_id names the user whose token it was: the same for all actions of a user, different for two users."""
    if provider.other_user.is_the_creator:
        yield wrong(
            "the actions of both tokens have the same creator_id (or both tokens belong to the same user)",
            provider.first_run,
        )
        return
    _ = provider.other_user.caller
    creator = provider.first.get("creator_id")
    if not isinstance(creator, str) or provider.other_user.creator_id is None:
        raise Skip("not both users have an action that shows its creator_id")
    again = provider.creator.run()
    if provider.action_of(again).get("creator_id") != creator:
        yield wrong("two actions of one user have different creators", provider.first_run, again)


@rule(SECTION, f"{api('GET /{action_id}/status', 'response 403')} (404 hides the action, and is accepted too); {WHO}")
def others_cannot_see_an_action(provider: ProviderUnderTest) -> Iterator[Finding]:
    """status answers 403 or 404 to a user who is neither the creator nor in monitor_by."""
    other, action = provider.other_user.caller, provider.start_any()
    provider.require_visible(action)
    yield from denial_faults(other.status(action["action_id"]), "see")


@rule(SECTION, f"{api('POST /{action_id}/cancel', 'response 403')}; {WHO}")
def others_cannot_cancel_an_action(provider: ProviderUnderTest) -> Iterator[Finding]:
    """cancel answers 403 or 404 to a user who is neither the creator nor in manage_by, and does nothing."""
    other = provider.other_user.caller
    provider.optional.require_cancel()
    yield from denial_faults(other.cancel(provider.start_any()["action_id"]), "cancel")


@rule(SECTION, f"{api('POST /{action_id}/release', 'response 403')}; {WHO}")
def others_cannot_release_an_action(provider: ProviderUnderTest) -> Iterator[Finding]:
    """release answers 403 or 404 to a user who is neither the creator nor in manage_by, and does nothing."""
    other, action = provider.other_user.caller, provider.start_any()
    provider.action_end.of(action, hurry=True)
    before = provider.creator.status(action["action_id"])
    response = other.release(action["action_id"])
    yield from denial_faults(response, "release")
    after = provider.creator.status(action["action_id"])
    if before.is_success and not response.is_success and not after.is_success:
        yield wrong("a release that was refused removed the action", response, after)


@rule(SECTION, f"{api('schema ActionRequest', 'monitor_by')}; {WHO}")
def others_cannot_read_the_log(provider: ProviderUnderTest) -> Iterator[Finding]:
    """The log of an action is only for users who can see the action."""
    other = provider.other_user.caller
    if not provider.optional.has_log:
        raise Skip("the provider says that it has no log (log_supported)")
    action = provider.start_any()
    if not (own := provider.creator.log(action["action_id"])).is_success:
        raise Skip(f"the creator of the action cannot read its log either: {own}")
    yield from denial_faults(other.log(action["action_id"]), "read the log of")


@rule(SECTION, f"{api('GET /{action_id}/status', 'response 403')}; {WHO}")
def monitors_can_see_an_action(provider: ProviderUnderTest) -> Iterator[Finding]:
    """A user in monitor_by can ask for the status."""
    action = provider.start_any(monitor_by=[provider.other_user.principal])
    provider.require_visible(action)
    response = provider.other_user.caller.status(action["action_id"])
    if response.code != 200:
        yield wrong(f"a user in monitor_by gets {response.code}", response)


@rule(SECTION, f"{api('POST /{action_id}/cancel and /release', 'response 403')}; {WHO}")
def monitors_cannot_cancel_or_release_an_action(provider: ProviderUnderTest) -> Iterator[Finding]:
    """A user who is only in monitor_by can neither cancel nor release: 403 (404 is accepted too)."""
    other, action = provider.other_user.caller, provider.start_any(monitor_by=[provider.other_user.principal])
    if not provider.optional.refuses_every_cancel:
        yield from denial_faults(other.cancel(action["action_id"]), "cancel")
    provider.action_end.of(action, hurry=True)
    yield from denial_faults(other.release(action["action_id"]), "release")


@rule(SECTION, f"{api('POST /{action_id}/cancel and /release', 'response 403')}; {WHO}")
def managers_can_cancel_and_release_an_action(provider: ProviderUnderTest) -> Iterator[Finding]:
    """A user in manage_by can cancel an action, and release it once it is complete."""
    principal = provider.other_user.principal
    other, action = provider.other_user.caller, provider.start_any(manage_by=[principal], monitor_by=[principal])
    if not provider.optional.refuses_every_cancel:
        canceled = other.cancel(action["action_id"])
        if not canceled.is_success and canceled.code != 409:
            yield wrong(f"cancel by a user in manage_by gets {canceled.code}", canceled)
    provider.action_end.of(action, hurry=True)
    released = other.release(action["action_id"])
    if released.code != 200:
        yield wrong(f"release by a user in manage_by gets {released.code}", released)


@rule(SECTION, WHO)
def creators_need_not_name_themselves(provider: ProviderUnderTest) -> Iterator[Finding]:
    """The user who starts an action can see and manage it, even if monitor_by and manage_by name only others."""
    principals = [provider.other_user.principal]
    action = provider.start_any(monitor_by=principals, manage_by=principals)
    seen = provider.creator.status(action["action_id"])
    if seen.code != 200:
        yield wrong(f"the creator, who is not in monitor_by, gets {seen.code}", seen)
    if action["status"] not in COMPLETE and not provider.optional.refuses_every_cancel:
        canceled = provider.creator.cancel(action["action_id"])
        if canceled.code in (401, 403, 404):
            yield wrong(f"the creator, who is not in manage_by, gets {canceled.code}", canceled)
