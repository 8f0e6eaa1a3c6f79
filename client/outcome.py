"""What commands about actions have in common: a body that is right, a list, an end that is waited for."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

import click
import globus_sdk

from . import login, page
from .action_client import ROLES
from .errors import FAILED, INTERRUPTED, NOT_FOUND, TROUBLE, Refusal, explain
from .interactive import ask_for_body
from .polling import COMPLETE, BadAnswer
from .schema import SchemaError, problems, read_schema
from .session import Session, an_object
from .watch import watch


def ask(session: Session) -> dict[str, Any]:
    """The body that somebody gives, field by field."""
    try:
        return ask_for_body(read_schema(session.description()), session.talk)
    except SchemaError as error:
        raise Refusal(f"Nothing can be asked for: {error}.", TROUBLE) from error


def check_body(session: Session, body: dict[str, Any]) -> None:
    """Nothing, where the body is right by the provider's schema, or there is no telling.

    :raises click.UsageError: it is wrong; with the fields that are.
    """
    try:
        found = problems(read_schema(session.description()), body)
    except SchemaError as error:
        session.talk.say(f"The input is sent unchecked: {error}.")
        return
    except (BadAnswer, globus_sdk.GlobusAPIError) as error:
        session.talk.details(f"The input is sent unchecked: {explain(error, session.talk)[0]}")
        return
    if found:
        lines = "\n".join(f"  - {each}" for each in found)
        raise click.UsageError(f"The input is not what this provider takes:\n{lines}")


def finish(session: Session, action: dict[str, Any], watched: bool, patience: float) -> int:
    """Show an action, once it is complete if it is to be watched; with the exit code that tells how it ended."""
    if watched and action.get("status") not in COMPLETE:
        action_id = action.get("action_id")
        if not isinstance(action_id, str):
            raise BadAnswer("The provider's answer names no action_id: there is nothing to watch.")
        action = watched_action(session, action_id, patience)
    session.show(action)
    return FAILED if action.get("status") == "FAILED" else 0


def watched_action(session: Session, action_id: str, patience: float) -> dict[str, Any]:
    client, talk = session.client, session.talk
    try:
        resume_command = session.command("resume", action_id)
        return watch(client, action_id, talk, patience_seconds=patience, resume=resume_command)
    except (KeyboardInterrupt, globus_sdk.NetworkError, globus_sdk.GlobusAPIError, BadAnswer) as error:
        if isinstance(error, KeyboardInterrupt):
            exit_code = INTERRUPTED
            talk.say("\n" * (not talk.has_terminal) + "No longer watching; the action goes on.")
        else:
            text, exit_code = explain(error, talk)
            talk.say(f"Error: {text}", fg="red")
        talk.say(f"  Watch it again:  {session.command('status', '--watch', action_id)}")
        talk.say(f"  Cancel it:       {session.command('cancel', action_id)}")
        raise click.exceptions.Exit(exit_code) from error


def listed(
    session: Session, statuses: Sequence[str], roles: Sequence[str] | None, limit: int | None
) -> list[dict[str, Any]]:
    """The caller's actions.

    :raises Refusal: the provider does not list any.
    """
    found = session.client.enumerate(statuses, roles or ROLES[:1], min(limit, 1000) if limit else None)
    try:
        actions = list(islice(found, limit))
        more = next(found, None) is not None
    except globus_sdk.GlobusAPIError as error:
        if error.http_status not in (404, 405, 501):
            raise
        raise Refusal("This provider does not list actions: it has no GET /actions.", NOT_FOUND) from error
    except ValueError as error:
        raise BadAnswer(str(error)) from error
    if more:
        session.talk.say(f"These are the {limit} newest: --all shows all of them, --limit a number.")
    return actions


def complete_ids(session: Session) -> list[str]:
    """The ids of the caller's actions that are complete, also where the provider lists others with them."""
    actions = listed(session, ("succeeded", "failed"), None, None)
    return [
        str(action["action_id"]) for action in actions if action.get("status") in COMPLETE and "action_id" in action
    ]


def release_each(session: Session, action_ids: Sequence[str], *, ignore: Sequence[int]) -> int:
    """Release one after the other, and go on after an error; with the exit code of the first one."""
    released, exit_code = [], 0
    for action_id in action_ids:
        try:
            released.append(an_object(session.client.release(action_id)))
        except (globus_sdk.GlobusAPIError, BadAnswer) as error:
            text, code = explain(error, session.talk)
            if code not in ignore:
                session.talk.say(f"Error: {action_id}: {text}", fg="red")
                exit_code = exit_code or code
    session.talk.say(f"{len(released)} released.")
    session.show(released, lambda: page.actions_table(released))
    return exit_code


def give_consent(session: Session, action: dict[str, Any]) -> None:
    """Ask for the consent that an INACTIVE action waits for, if that is it."""
    details = action.get("details")
    if action.get("status") != "INACTIVE" or not isinstance(details, dict) or details.get("code") != "ConsentRequired":
        return
    scope = details.get("required_scope")
    if not isinstance(scope, str):
        return
    if session.app is None:
        session.talk.say(f"The action waits for a token with your consent to {scope}: log in, without --token.")
        return
    session.talk.say(f"The action waits for your consent to {scope}")
    login.consent(session.app, scope)
