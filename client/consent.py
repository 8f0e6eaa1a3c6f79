"""Decide what to do about an INACTIVE action: ask for consent, or say how to resume it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from globus_sdk.globus_app import ClientApp

from .console import one_line
from .session import Session
from .waiting import can_consent, obtain_consent, reason_in_words, required_scope, scope_to_request


def consent_to_ask_for(session: Session, action: Mapping[str, Any]) -> str | None:
    """Return the scope to log in with, if the action needs consent and a person is there to give it."""
    needed = required_scope(action)
    if needed is None or not can_consent(session.app, session.console):
        return None
    return scope_to_request(session.scope, needed)


def advise(session: Session, action: Mapping[str, Any]) -> None:
    """Say what an INACTIVE action is waiting for, and which command resumes it."""
    console, needed = session.console, required_scope(action)
    action_id = one_line(str(action.get("action_id")))
    console.say(f"The action is waiting: {reason_in_words(action)}.")
    if needed is None:
        console.say(f"  Resume it:  {session.command('resume', action_id)}")
    elif session.app is None:
        console.say(f"  It needs a token with your consent to {needed}.")
        console.say(f"  Resume it with such a token, or logged in without --token:  globus-action resume {action_id}")
    elif isinstance(session.app, ClientApp):
        scope = scope_to_request(session.scope, needed)
        console.say("  If you trust the provider with this consent, resume it:")
        console.say(f"    {session.command('resume', action_id, action_scope=scope)}")
    else:
        console.say(f"  Resume it at a terminal, to log in with your consent:  {session.command('resume', action_id)}")


def consent_before_resuming(session: Session, action: dict[str, Any]) -> bool:
    """Obtain the consent that an INACTIVE action is waiting for, if any.

    :returns: whether resuming it now makes sense.
    """
    needed = required_scope(action)
    if needed is None:
        return True
    scope = consent_to_ask_for(session, action)
    if scope is not None and session.app is not None:
        obtain_consent(session.app, session.console, scope, action)
        return True
    if session.app is None:
        session.console.say(f"The action needs a token with your consent to {needed}: log in, without --token.")
        return True
    return session.action_scope is not None and session.action_scope == scope_to_request(session.scope, needed)
