"""The group of all commands; it takes the names of the retired command line as well."""

from __future__ import annotations

import click

from . import __version__

COMMAND = "globus-action"

EPILOG = """\
Exit codes: 0 SUCCEEDED or done, 1 the action FAILED, 2 wrong usage or input, 3 not allowed, 4 not found, 5 conflict, 6
trouble with the provider or the network.
"""


class Commands(click.Group):
    """Takes the names of the retired command line as well: `action run`, `action-run`, `action-provider-introspect`."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] in ("action", "session") and len(args) > 1:
            args = args[1:]
        if args[0] in ctx.help_option_names:
            click.echo(ctx.get_help())
            ctx.exit()
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        name = cmd_name.removeprefix("action-").removeprefix("provider-")
        return super().get_command(ctx, {"revoke": "logout", "enumerate": "list"}.get(name, name))


@click.group(cls=Commands, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", message="%(prog)s %(version)s")
def cli() -> None:
    """Call any Globus Action Provider: see what it takes, run an action, watch it, and clean up after it."""
