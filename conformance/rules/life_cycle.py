"""What happens to an action from its start to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from conformance.caller import new_id
from conformance.documents import COMPLETE
from conformance.rule import Finding, Skip, rule, warning, wrong
from conformance.sources import api, guide
from conformance.subject import Subject
from conformance.wire import Answer

SECTION = "The life of an action"
LIFE = "Action Lifecycle"


@rule(SECTION, api("GET /{action_id}/status", "response 200"))
def status_shows_the_action(it: Subject) -> Iterator[Finding]:
    """GET /<action_id>/status answers 200 with the status of that action."""
    started = it.first
    answer = it.me.status(started["action_id"])
    if answer.code != 200:
        yield wrong(f"the status of an action that was just started is answered with {answer.code}", answer)
        return
    for field in ("action_id", "creator_id"):
        if field in started and answer.object.get(field) != started[field]:
            yield wrong(f"the status shows another {field} than the start did", it.first_run, answer)


def operations(it: Subject, caller_name: str = "me") -> dict[str, Callable[[str], Answer]]:
    caller = getattr(it, caller_name)
    known = {"status": caller.status, "cancel": caller.cancel, "release": caller.release}
    return {**known, "log": caller.log} if it.has_log else known


@rule(SECTION, api("GET /{action_id}/status, POST /{action_id}/cancel and /release", "response 404"))
def an_unknown_action_is_not_found(it: Subject) -> Iterator[Finding]:
    """status, cancel, release and log of an action that does not exist are answered with 404."""
    it.require_start()
    for ask in operations(it).values():
        answer = ask(new_id())
        if answer.code != 404:
            yield wrong(f"an unknown action is answered with {answer.code}, where 404 is meant", answer)
        answer = ask("no-such-action")
        if answer.is_success or answer.code >= 500:
            yield wrong(f"an unknown action is answered with {answer.code}, where 404 is meant", answer)
        elif answer.code != 404:
            yield warning(f"an unknown action is answered with {answer.code}, where 404 is meant", answer)


@rule(SECTION, api("POST /{action_id}/release", "response 409"))
def an_action_that_is_not_complete_cannot_be_released(it: Subject) -> Iterator[Finding]:
    """release of an action that is not complete is answered with 409, and the action goes on."""
    action = it.start_running()
    answer = it.me.release(action["action_id"])
    if answer.is_success and answer.object.get("status") in COMPLETE:
        raise Skip("the action was complete before it could be released")
    if answer.is_success:
        yield wrong("an action that is not complete is released", answer)
    elif answer.code != 409:
        yield wrong(f"release of an action that is not complete is answered with {answer.code}, not with 409", answer)
    after = it.me.status(action["action_id"])
    if not answer.is_success and not after.is_success:
        yield wrong("after a release that was refused, the action is gone", answer, after)


@rule(SECTION, api("POST /{action_id}/cancel", "response 200"))
def an_action_that_is_not_complete_can_be_cancelled(it: Subject) -> Iterator[Finding]:
    """cancel of a running action is answered with 200 and its status, or with 400 where the provider cannot cancel.
    It is a hint: the action may go on."""
    action = it.start_running()
    answer = it.me.cancel(action["action_id"])
    if answer.code == 409 and it.me.status(action["action_id"]).object.get("status") in COMPLETE:
        raise Skip("the action was complete before it could be cancelled")
    if answer.code == 400:
        raise Skip("the provider says that it does not support cancellation (400)")
    if answer.code != 200:
        yield wrong(f"cancel of a running action is answered with {answer.code}", answer)
    elif answer.object.get("action_id") != action["action_id"]:
        yield wrong("cancel answers with the status of another action, or with none", answer)
    after = it.me.status(action["action_id"])
    if answer.code == 200 and after.code != 200:
        yield wrong("after a cancel, the status of the action cannot be seen any more", answer, after)
    elif answer.object.get("status") in COMPLETE and after.object.get("status") != answer.object.get("status"):
        yield wrong("cancel and the status after it say different things about how the action has ended", answer, after)


@rule(SECTION, guide(LIFE))
def an_action_comes_to_an_end(it: Subject) -> Iterator[Finding]:
    """An action becomes SUCCEEDED or FAILED, and says since when."""
    ended = it.ended
    answers = [answer for answer in it.wire.answers if answer.object == ended][-1:]
    if it.ran_out_of_time:
        yield warning("no action ended by itself in that time, so one was cancelled: raise --timeout", *answers)
    if ended.get("completion_time") is None:
        yield warning("the status of a complete action has no completion_time", *answers)


@rule(SECTION, guide(LIFE, "on completed states"))
def a_complete_action_does_not_change(it: Subject) -> Iterator[Finding]:
    """Once an action is SUCCEEDED or FAILED, its status, details and times stay as they are."""
    action_id = it.ended["action_id"]
    yield from changes(it.me.status(action_id), it.me.status(action_id))


@rule(
    SECTION, f"{api('POST /{action_id}/cancel', 'response 409')}; {guide('Monitoring and Managing an Action')}, cancel"
)
def cancel_of_a_complete_action_changes_nothing(it: Subject) -> Iterator[Finding]:
    """cancel of a complete action is answered with 409, or with 200 and its status; how it ended stays as it was."""
    action_id = it.ended["action_id"]
    before, answer, after = it.me.status(action_id), it.me.cancel(action_id), it.me.status(action_id)
    if answer.code not in (200, 400, 409):
        yield wrong(f"cancel of a complete action is answered with {answer.code}", answer)
    yield from changes(before, after)


def changes(before: Answer, after: Answer) -> Iterator[Finding]:
    """What is different in two statuses of a complete action."""
    if not before.is_success or not after.is_success:
        yield wrong("the status of a complete action cannot be seen", before, after)
        return
    for field in ("status", "details", "completion_time", "creator_id"):
        if before.object.get(field) != after.object.get(field):
            yield wrong(f"{field} of a complete action has changed", before, after)
