"""What commands about actions have in common: checking a body, listing, watching, and exit codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import click
import globus_sdk

from . import page
from .action_client import ROLES
from .consent import advise, consent_to_ask_for
from .console import one_line
from .errors import FAILED, INTERRUPTED, NOT_FOUND, TROUBLE, WAITING, Refusal, explain
from .interactive import ask_for_body
from .polling import COMPLETE, BadResponse
from .schema import SchemaError, problems, read_schema
from .session import Session, an_object
from .waiting import INACTIVE, obtain_consent
from .watch import watch


def ask(session: Session) -> dict[str, Any]:
    """Return the body that a person types, field by field."""
    try:
        return ask_for_body(read_schema(session.description()), session.console)
    except SchemaError as error:
        raise Refusal(f"Cannot ask for the fields of the input: {error}.", TROUBLE) from error


def check_body(session: Session, body: dict[str, Any]) -> None:
    """Check the body against the provider's schema, if that is possible.

    :raises click.UsageError: the body is invalid; names each invalid field.
    """
    try:
        found = problems(read_schema(session.description()), body)
    except SchemaError as error:
        session.console.say(f"Sending the input unchecked: {error}.")
        return
    except (BadResponse, globus_sdk.GlobusAPIError) as error:
        session.console.details(f"Sending the input unchecked: {explain(error, session.console)[0]}")
        return
    if found:
        lines = "\n".join(f"  - {one_line(each)}" for each in found)
        raise click.UsageError(
            f"The input does not match the provider's schema:\n{lines}\n(--no-check sends it anyway.)"
        )


def finish(session: Session, action: dict[str, Any], watched: bool, patience: float, *, resumed: bool = False) -> int:
    """Show an action, after watching it if asked to, and return the exit code for its status.

    :param resumed: whether this action was just resumed, so that INACTIVE counts as not having worked.
    """
    if watched and action.get("status") not in COMPLETE:
        action_id = action.get("action_id")
        if not isinstance(action_id, str):
            raise BadResponse("The provider's response has no action_id: there is nothing to watch.")
        action = watched_action(session, action_id, patience)
    session.show(action)
    if action.get("status") == INACTIVE:
        advise(session, action)
        return WAITING if watched or resumed else 0
    return FAILED if action.get("status") == "FAILED" else 0


def watched_action(session: Session, action_id: str, patience: float) -> dict[str, Any]:
    """Watch an action until it is complete, with another login if it needs consent.

    :returns: its status; INACTIVE if it is waiting for something that cannot be given here.
    """
    obtained: set[str] = set()

    def stop(document: Mapping[str, Any]) -> bool:
        return not session.console.can_ask or consent_to_ask_for(session, document) is not None

    try:
        while True:
            document = watch(
                session.client,
                action_id,
                session.console,
                patience_seconds=patience,
                resume=session.command("resume", action_id),
                stop=stop,
            )
            scope = consent_to_ask_for(session, document)
            if scope is None or scope in obtained or session.app is None:
                return document
            obtained.add(scope)
            obtain_consent(session.app, session.console, scope, document)
            an_object(session.client.resume(action_id))
    except (KeyboardInterrupt, globus_sdk.NetworkError, globus_sdk.GlobusAPIError, BadResponse) as error:
        raise click.exceptions.Exit(_stopped_watching(session, action_id, error)) from error


def _stopped_watching(session: Session, action_id: str, error: BaseException) -> int:
    """Say why watching ended early and what to type next; return the exit code."""
    console = session.console
    if isinstance(error, Exception):
        text, exit_code = explain(error, console)
        console.say(f"Error: {text}", fg="red")
    else:
        exit_code = INTERRUPTED
        console.say("\n" * (not console.has_terminal) + "No longer watching; the action continues.")
    console.say(f"  Watch it again:  {session.command('status', '--watch', action_id)}")
    console.say(f"  Cancel it:       {session.command('cancel', action_id)}")
    return exit_code


def listed(
    session: Session, statuses: Sequence[str], roles: Sequence[str] | None, limit: int | None
) -> list[dict[str, Any]]:
    """Return the caller's actions, and say if there are more.

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
        raise BadResponse(str(error)) from error
    if more:
        session.console.say(f"These are the {limit} newest actions: --all shows all of them, --limit sets the number.")
    return actions


def complete_ids(session: Session) -> list[str]:
    """Return the ids of the caller's complete actions, whatever else the provider lists."""
    actions = listed(session, ("succeeded", "failed"), None, None)
    return [
        str(action["action_id"]) for action in actions if action.get("status") in COMPLETE and "action_id" in action
    ]


def release_each(session: Session, action_ids: Sequence[str], *, ignore: Sequence[int]) -> int:
    """Release each action, continue after an error, and return the exit code of the first one."""
    released, exit_code = [], 0
    for action_id in action_ids:
        try:
            released.append(an_object(session.client.release(action_id)))
        except (globus_sdk.GlobusAPIError, BadResponse) as error:
            text, code = explain(error, session.console)
            if code not in ignore:
                session.console.say(f"Error: {action_id}: {text}", fg="red")
                exit_code = exit_code or code
    session.console.say(f"{len(released)} released.")
    session.show(released, lambda: page.actions_table(released))
    return exit_code


def keeps_no_log(session: Session) -> bool:
    """Return whether the provider says that it has no operation `log`."""
    try:
        return session.description().get("log_supported") is not True
    except (BadResponse, globus_sdk.GlobusError):
        return False
