"""The command line: all commands, and the one place where every error ends."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from . import account, actions
from .errors import INTERRUPTED, TROUBLE, USAGE, explain
from .flows.group import flow
from .group import cli
from .talk import Talk

__all__ = ["account", "actions", "cli", "main"]

cli.add_command(flow)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; leave with its exit code, whatever happens.

    :param arguments: those that the program was started with, by default.
    """
    talk = Talk()
    try:
        result = cli.main(arguments, standalone_mode=False, obj=talk)
    except (KeyboardInterrupt, click.Abort) as error:
        ended = isinstance(error.__context__, EOFError)  # click takes both for the same
        talk.say("\nError: the input ended before everything was answered." if ended else "")
        sys.exit(USAGE if ended else INTERRUPTED)
    except BrokenPipeError:
        sys.exit(TROUBLE)
    except Exception as error:  # each kind is known to explain()
        text, exit_code = explain(error, talk)
        talk.say(f"Error: {text}", fg="red")
        if isinstance(error, click.UsageError) and error.ctx is not None and "\n" not in text:
            talk.say(f"Try '{error.ctx.command_path} --help'.")
        sys.exit(exit_code)
    sys.exit(result if isinstance(result, int) else 0)
