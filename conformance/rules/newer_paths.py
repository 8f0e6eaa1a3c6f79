"""The second set of paths that Globus' toolkit serves: no document asks for them, so that they yield warnings."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.rule import Finding, Skip, rule, warning
from conformance.subject import Subject

SECTION = "Newer paths"


@rule(SECTION, "Globus' action-provider-tools: ActionProviderBlueprint serves both sets of paths")
def the_newer_paths_lead_to_the_same_actions(it: Subject) -> Iterator[Finding]:
    """A provider that serves GET /actions/<action_id> serves POST /actions (run), POST /actions/<action_id>/cancel and
    DELETE /actions/<action_id> (release) as well, and all of them mean the same actions as the others do."""
    first = it.first
    seen = it.me.ask("status", "GET", f"/actions/{first['action_id']}")
    if seen.object.get("action_id") != first["action_id"]:
        raise Skip(f"the provider does not serve them (GET /actions/<action_id> is answered with {seen.code})")
    again = it.me.run(it.first_request_id, path="/actions")
    if again.is_success is False:
        yield warning(f"POST /actions is answered with {again.code}", again)
    action = it.start()
    cancelled = it.me.ask("cancel", "POST", f"/actions/{action['action_id']}/cancel")
    if cancelled.code in (404, 405) or cancelled.code >= 500:
        yield warning(f"POST /actions/<action_id>/cancel is answered with {cancelled.code}", cancelled)
    it.end_of(action, hurry=True)
    released = it.me.ask("release", "DELETE", f"/actions/{action['action_id']}")
    if released.code != 200:
        yield warning(f"DELETE /actions/<action_id> is answered with {released.code}", released)
    elif it.me.status(action["action_id"]).is_success:
        yield warning("what DELETE /actions/<action_id> has released is still there", released)
