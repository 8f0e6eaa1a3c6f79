"""Starting actions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from conformance.caller import LABEL
from conformance.documents import COMPLETE
from conformance.errors import Skip
from conformance.provider import ProviderUnderTest
from conformance.rule import Finding, rule, warning, wrong
from conformance.sources import api, guide

SECTION = "Starting actions"
REQUEST = api("schema ActionRequest")


@rule(SECTION, api("POST /run", "response 202"))
def a_valid_request_starts_an_action(provider: ProviderUnderTest) -> Iterator[Finding]:
    """POST /run answers 202 with the status of a new action, or 200 if the action is already complete."""
    response = provider.first_run
    if response.code not in (200, 202):
        yield wrong(f"a valid request is answered with {response.code}", response)
    elif not response.object.get("action_id"):
        yield wrong("the response has no action_id", response)
    elif response.code == 200 and response.object.get("status") not in COMPLETE:
        yield wrong("a new action that is not complete is answered with 200, which is for repeated requests", response)


@rule(
    SECTION,
    guide("Monitoring and Managing an Action: The Action Status Document", "start_time"),
    title="A second request starts a second action",
)
def another_request_starts_another_action(provider: ProviderUnderTest) -> Iterator[Finding]:
    """Two requests with different request_ids are two actions, each with an action_id of its own."""
    first = provider.first
    response = provider.creator.run()
    if provider.action_of(response)["action_id"] == first["action_id"]:
        yield wrong("two requests with different request_ids got one action", provider.first_run, response)


@rule(SECTION, f"{REQUEST}, label; {api('schema ActionStatus', 'label')}", title="A label is accepted and shown")
def a_label_is_taken_and_shown(provider: ProviderUnderTest) -> Iterator[Finding]:
    """A request can have a label, and the status of its action shows it."""
    provider.require_start()
    response = provider.creator.run(label=LABEL)
    if not response.is_success:
        yield wrong("a request with a label is not accepted", response)
    elif (shown := response.object.get("label")) is None:
        yield warning("the status does not show the label", response)
    elif shown != LABEL:
        yield wrong("the status shows another label than the request's", response)


@rule(
    SECTION,
    guide("Starting an Action: The Action Request Document", "manage_by and monitor_by"),
    title="Monitors and managers are accepted and shown",
)
def monitors_and_managers_are_taken_and_shown(provider: ProviderUnderTest) -> Iterator[Finding]:
    """A request can name who can see and who can manage its action, or have empty lists; the status shows the names."""
    principal = provider.first.get("creator_id")
    if not isinstance(principal, str):
        raise Skip("the creator_id of the first action is not known")
    empty, named = (
        provider.creator.run(monitor_by=[], manage_by=[]),
        provider.creator.run(monitor_by=[principal], manage_by=[principal]),
    )
    for response in (empty, named):
        if not response.is_success:
            yield wrong("a request with monitor_by and manage_by is not accepted", response)
    for field in ("monitor_by", "manage_by") if named.is_success else ():
        shown = named.object.get(field)
        if shown is None:
            yield warning(f"the status does not show {field}", named)
        elif not isinstance(shown, list) or principal not in shown:
            yield wrong(f"the status shows another {field} than the request's", named)


@rule(
    SECTION,
    f"{REQUEST}, release_after; {api('schema ActionStatus', 'release_after')}",
    title="The retention time (release_after) is accepted and shown",
)
def how_long_to_keep_an_action_is_taken_and_shown(provider: ProviderUnderTest) -> Iterator[Finding]:
    """A request can say how long its action is kept after its end; the status shows how long it will be."""
    provider.require_start()
    response = provider.creator.run(release_after="P1D")
    if not response.is_success:
        yield wrong("a request with release_after is not accepted", response)
    elif response.object.get("release_after") is None:
        yield warning("the status does not show release_after", response)


@rule(SECTION, f"{REQUEST}, deadline", title="A deadline is accepted")
def a_deadline_is_taken(provider: ProviderUnderTest) -> Iterator[Finding]:
    """A request can have a deadline. It can be refused with 400 if the action would take longer."""
    provider.require_start()
    deadline = (datetime.now(UTC) + timedelta(hours=12)).replace(microsecond=0).isoformat()
    response = provider.creator.run(deadline=deadline)
    if response.code in (400, 422):
        yield warning("a deadline in twelve hours is refused", response)
    elif not response.is_success:
        yield wrong(f"a request with a deadline is answered with {response.code}", response)
