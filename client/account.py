"""The commands login, logout, whoami, and completion."""

from __future__ import annotations

from typing import Any

import click
import globus_sdk
from click.shell_completion import BashComplete, FishComplete, ZshComplete

from . import local_mode, login
from .errors import USAGE, Refusal
from .group import COMMAND, cli
from .session import Session, common_options

SHELLS = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


@cli.command("login")
@click.option("--force", is_flag=True, help="Log in again even if you are already logged in.")
@click.option("--browser/--no-browser", default=None, help="Log in with a browser, or with a code to paste.")
@common_options
def log_in(session: Session, force: bool, browser: bool | None) -> None:
    """Log in, also for the provider at --action-url if one is given."""
    if session.credentials.token is not None:
        raise Refusal("A token is given (--token, ACTION_TOKEN), so there is nothing to log in to.", USAGE)
    app = login.open_app(session.credentials, session.console, browser=browser, provider_url=session.action_url)
    session.app = app
    if session.action_url or session.action_scope:
        session.claim_scope()
        login.require(app, session.scope)
    if not app.login_required() and not force:
        session.console.say(
            f"You are already logged in as {name_of(session)}. (--force logs in again, logout logs out.)"
        )
        return
    app.login(force=True)
    session.console.say(f"You are logged in as {name_of(session)}.")


@cli.command("logout")
@common_options
def log_out(session: Session) -> None:
    """Log out: revoke and delete the stored tokens."""
    if session.credentials.token is not None:
        raise Refusal("A token is given (--token, ACTION_TOKEN), so there is nothing to log out of.", USAGE)
    app = login.open_app(session.credentials, session.console, provider_url=session.action_url)
    session.console.say("You are logged out." if login.log_out(app) else "You were not logged in.")


@cli.command()
@common_options
def whoami(session: Session) -> None:
    """Show who you are logged in as."""
    document = who(session)
    session.show(document, lambda: str(document.get("preferred_username") or document.get("sub")))


@cli.command()
@click.argument("shell", type=click.Choice(list(SHELLS)))
def completion(shell: str) -> None:
    """Print shell code that completes commands with the Tab key.

    For bash: eval "$(globus-action completion bash)" in ~/.bashrc.
    """
    click.echo(SHELLS[shell](cli, {}, COMMAND, "_GLOBUS_ACTION_COMPLETE").source())


def who(session: Session) -> dict[str, Any]:
    token = login.authorizer(session.credentials, session.console)
    if token is not None and local_mode.is_unclear_which_auth(session.action_url):
        raise Refusal(local_mode.which_auth(session.action_url), USAGE)
    try:
        return login.userinfo(session.app, token, session.console)
    except globus_sdk.AuthAPIError as error:
        if token is None or error.http_status not in (401, 403):
            raise
        raise Refusal(
            "This token is not active, or not for Globus Auth, so its owner cannot be looked up.", 3
        ) from error


def name_of(session: Session) -> str:
    document = who(session)
    return str(document.get("preferred_username") or document.get("sub"))
