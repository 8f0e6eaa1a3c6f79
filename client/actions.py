"""The commands about actions: one short function for each operation of the interface."""

from __future__ import annotations

import shlex
import uuid
from collections.abc import Callable
from typing import Any

import click
import globus_sdk

from . import page
from .action_client import ROLES, STATUSES
from .body import read_body
from .consent import consent_before_resuming
from .console import one_line
from .errors import NOT_FOUND, USAGE, Refusal
from .group import cli
from .moments import deadline, duration
from .outcome import ask, check_body, complete_ids, finish, keeps_no_log, listed, release_each
from .polling import PATIENCE_SECONDS, BadResponse
from .principal import principal_urns
from .session import Session, an_object, common_options


class Count(click.IntRange):
    """A whole number of at least 1."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value!r} is not a whole number of at least 1.", param, ctx)


def not_empty(_ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """Refuse an empty value, which usually comes from an unset shell variable."""
    for each in [value] if isinstance(value, str) else value or ():
        if not each.strip():
            name = "--request-id" if param.name == "request_id" else "ACTION_ID"
            raise Refusal(f"{name} is empty: is a variable not set?", USAGE)
    return value


ACTION_ID = click.argument("action_id", metavar="ACTION_ID", callback=not_empty)


def watching(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of the commands that can watch an action."""
    function = click.option("-w", "--watch", "watched", is_flag=True, help="Watch the action until it is complete.")(
        function
    )
    return click.option(
        "--patience",
        type=click.FloatRange(0),
        default=PATIENCE_SECONDS,
        show_default=True,
        metavar="SECONDS",
        help="With --watch: how long to tolerate a provider that does not respond properly.",
    )(function)


@cli.command()
@common_options
def introspect(session: Session) -> None:
    """Show what the provider is, who may run it, and its input."""
    document = session.description()
    run_command = session.command("run")
    session.show(document, lambda: page.provider_page(document, run_command=run_command))


@cli.command()
@click.option("-b", "--body", metavar="BODY", help="The input: JSON or YAML, the name of a file, or - for stdin.")
@click.option("-i", "--interactive", is_flag=True, help="Ask for each field of the input.")
@click.option(
    "--request-id",
    callback=not_empty,
    help="Identifies this request; repeating it does not start a second action. [default: a new id]",
)
@click.option("-l", "--label", help="A short text to recognize the action by.")
@click.option(
    "--manage-by", multiple=True, callback=principal_urns, help="Who else may cancel and release it. [repeatable]"
)
@click.option("--monitor-by", multiple=True, callback=principal_urns, help="Who else may see it. [repeatable]")
@click.option("--deadline", callback=deadline, metavar="TIME",
              help="The latest time of completion: 2h, 1d12h, or PT2H from now, or a time with an offset.")  # fmt: skip
@click.option("--release-after", callback=duration, metavar="DURATION",
              help="How long to keep it once it is complete: 12h, 7d, or P7D.")  # fmt: skip
@click.option("--check/--no-check", default=True, show_default=True, help="Check the input against the schema first.")
@watching
@common_options
def run(
    session: Session,
    *,
    body: str | None,
    interactive: bool,
    request_id: str | None,
    check: bool,
    watched: bool,
    patience: float,
    **fields: Any,
) -> int:
    """Start an action."""
    if (body is None) != interactive:
        raise click.UsageError("Give the input: by --body, or by --interactive to be asked for each field.")
    given = read_body(body) if body is not None else ask(session)
    if check and body is not None:
        check_body(session, given)
    request_id = request_id or str(uuid.uuid4())
    fields = {name: value for name, value in fields.items() if value is not None}
    client = session.client
    try:
        action = an_object(client.run(given, request_id, **fields))
    except (globus_sdk.NetworkError, BadResponse, KeyboardInterrupt):
        session.console.say(f"The action may have started. To repeat this safely, add --request-id {request_id}")
        raise
    return finish(session, action, watched, patience)


@cli.command()
@ACTION_ID
@watching
@common_options
def status(session: Session, action_id: str, watched: bool, patience: float) -> int:
    """Show the status of an action."""
    if watched:
        return finish(session, {"action_id": action_id}, watched, patience)
    return finish(session, an_object(session.client.status(action_id)), watched, patience)


@cli.command()
@ACTION_ID
@common_options
def cancel(session: Session, action_id: str) -> None:
    """Cancel an action."""
    session.show(an_object(session.client.cancel(action_id)))


@cli.command()
@click.argument("action_ids", metavar="ACTION_ID...", nargs=-1, callback=not_empty)
@click.option("--all", "all_of_them", is_flag=True, help="Release all of your complete actions.")
@common_options
def release(session: Session, action_ids: tuple[str, ...], all_of_them: bool) -> int:
    """Release complete actions: the provider deletes them."""
    if bool(action_ids) == all_of_them:
        raise click.UsageError("Which actions? Give their ids, or --all for all of your complete actions.")
    if len(action_ids) == 1:
        session.show(an_object(session.client.release(action_ids[0])))
        return 0
    if all_of_them:
        return release_each(session, complete_ids(session), ignore=(NOT_FOUND,))
    return release_each(session, action_ids, ignore=())


@cli.command()
@ACTION_ID
@click.option("--limit", type=Count(1), default=100, show_default=True, help="The largest number of entries.")
@click.option("--reverse", is_flag=True, help="Show the last entry first.")
@click.option("--marker", help="Where to continue: the `marker` of the previous page.")
@common_options
def log(session: Session, action_id: str, limit: int, reverse: bool, marker: str | None) -> None:
    """Show an action's log."""
    try:
        document = an_object(session.client.log(action_id, limit, reverse, marker))
    except globus_sdk.GlobusAPIError as error:
        if error.http_status in (404, 405, 501) and keeps_no_log(session):
            raise Refusal(
                'This provider keeps no logs: its introspection document has no "log_supported": true. '
                "`status` shows the action.",
                NOT_FOUND,
            ) from error
        raise
    entries = document.get("entries")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        return session.show(document)
    if document.get("has_next_page"):
        marker = shlex.quote(one_line(str(document.get("marker"))))
        session.console.say(f"There are more entries: add --marker {marker}")
    return session.show(document, lambda: page.log_table(entries))


@cli.command("list")
@click.option("--status", "statuses", multiple=True, type=click.Choice(STATUSES, case_sensitive=False),
              help="Only actions with this status. [repeatable; default: all]")  # fmt: skip
@click.option("--role", "roles", multiple=True, type=click.Choice(ROLES), default=ROLES[:1], show_default=True,
              help="Only actions in which you have this role. [repeatable]")  # fmt: skip
@click.option("--limit", type=Count(1), default=100, show_default=True, help="The largest number of actions.")
@click.option("--all", "all_of_them", is_flag=True, help="No limit.")
@common_options
def list_actions(
    session: Session, statuses: tuple[str, ...], roles: tuple[str, ...], limit: int, all_of_them: bool
) -> None:
    """List your actions, newest first."""
    actions = listed(session, statuses or STATUSES, roles, None if all_of_them else limit)
    if not actions:
        session.console.say("No actions found.")
    session.show(actions, lambda: page.actions_table(actions))


@cli.command()
@ACTION_ID
@click.option("--query-for-inactive-reason/--no-query-for-inactive-reason", "query", default=True, show_default=True,
              help="First check what the action is waiting for; if it is your consent, log in to give it.")  # fmt: skip
@watching
@common_options
def resume(session: Session, action_id: str, query: bool, watched: bool, patience: float) -> int:
    """Resume an INACTIVE action, which is waiting for you."""
    action = an_object(session.client.status(action_id)) if query else {}
    if not consent_before_resuming(session, action):
        return finish(session, action, False, patience, resumed=True)
    return finish(session, an_object(session.client.resume(action_id)), watched, patience, resumed=True)
