"""The command line: all commands, and the one place where every error ends."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import click

from . import account, actions
from .console import Console
from .errors import INTERRUPTED, TROUBLE, USAGE, explain
from .flows.group import flow
from .group import cli

__all__ = ["account", "actions", "cli", "main"]

cli.add_command(flow)


def main(arguments: Sequence[str] | None = None, *, before: Callable[[], object] = lambda: None) -> None:
    """Run the command line, and exit the program with its exit code, whatever happens.

    :param arguments: by default, those that the program was started with.
    :param before: called first, where a Ctrl-C is handled.
    """
    console = Console()
    try:
        before()
        result = cli.main(arguments, standalone_mode=False, obj=console)
    except (KeyboardInterrupt, click.Abort) as error:
        ended = isinstance(error.__context__, EOFError)  # click treats both the same
        console.say("\nError: the input ended before all questions were answered." if ended else "")
        sys.exit(USAGE if ended else INTERRUPTED)
    except BrokenPipeError:
        sys.exit(TROUBLE)
    except Exception as error:  # each kind is known to explain()
        text, exit_code = explain(error, console)
        console.say(f"Error: {text}", fg="red")
        if isinstance(error, click.UsageError) and error.ctx is not None and "\n" not in text:
            console.say(f"Try '{error.ctx.command_path} --help'.")
        sys.exit(exit_code)
    sys.exit(result if isinstance(result, int) else 0)
