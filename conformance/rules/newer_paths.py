"""The second set of paths of Globus' toolkit: no document asks for them, so deviations are warnings."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.errors import Skip
from conformance.provider import ProviderUnderTest
from conformance.rule import Finding, rule, warning

SECTION = "Newer paths"


@rule(SECTION, "Globus' action-provider-tools: ActionProviderBlueprint serves both sets of paths")
def the_newer_paths_lead_to_the_same_actions(provider: ProviderUnderTest) -> Iterator[Finding]:
    """A provider that serves GET /actions/<action_id> also serves POST /actions (run),
    POST /actions/<action_id>/cancel, and DELETE /actions/<action_id> (release), and all of them lead to the same
    actions as the other paths."""
    first, creator = provider.first, provider.creator
    seen = creator.send("status", "GET", f"/actions/{first['action_id']}")
    if seen.object.get("action_id") != first["action_id"]:
        raise Skip(f"the provider does not serve them (GET /actions/<action_id> is answered with {seen.code})")
    again = creator.run(provider.first_request_id, path="/actions")
    if not again.is_success:
        yield warning(f"POST /actions is answered with {again.code}", again)
    action = provider.start()
    canceled = creator.send("cancel", "POST", f"/actions/{action['action_id']}/cancel")
    if canceled.code in (403, 404, 405) or canceled.code >= 500:
        yield warning(f"POST /actions/<action_id>/cancel is answered with {canceled.code}", canceled)
    provider.action_end.of(action, hurry=True)
    released = creator.send("release", "DELETE", f"/actions/{action['action_id']}")
    if released.code != 200:
        yield warning(f"DELETE /actions/<action_id> is answered with {released.code}", released)
    elif creator.status(action["action_id"]).is_success:
        yield warning("an action released with DELETE /actions/<action_id> is still there", released)
