"""The group of all commands, which also accepts the names that the retired command line used."""

from __future__ import annotations

from typing import NoReturn

import click

from . import __version__

COMMAND = "globus-action"

EPILOG = """\
Exit codes: 0 SUCCEEDED or done, 1 the action FAILED, 2 wrong usage or input, 3 not allowed, 4 not found, 5 conflict, 6
provider or network error, 7 the action is INACTIVE: it is waiting for you.
"""


class Commands(click.Group):
    """Also accepts the retired command line's names: `action run`, `action-run`, `action-provider-introspect`."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] in ("action", "session"):
            args = args[1:]
        if not args or args[0] in ctx.help_option_names:
            show_help(ctx, asked_for=bool(args))
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        name = cmd_name.removeprefix("action-").removeprefix("provider-")
        return super().get_command(ctx, {"revoke": "logout", "enumerate": "list"}.get(name, name))


def show_help(ctx: click.Context, *, asked_for: bool) -> NoReturn:
    """Show the overview; on stderr if it replaces a missing command."""
    click.echo(ctx.get_help(), err=not asked_for)
    ctx.exit(0 if asked_for else 2)


@click.group(
    cls=Commands, invoke_without_command=True, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, "-V", "--version", message="%(prog)s %(version)s")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Call any Globus Action Provider: see its input, run an action, watch it, and release it."""
    if ctx.invoked_subcommand is None:
        show_help(ctx, asked_for=False)
