"""The command line: all commands, and the one place where every error ends."""

from __future__ import annotations

import sys

import click

from . import account, actions
from .errors import INTERRUPTED, TROUBLE, explain
from .group import cli
from .talk import Talk

__all__ = ["account", "actions", "cli", "main"]


def main() -> None:
    """Run the command line; leave with its exit code, whatever happens."""
    talk = Talk()
    try:
        result = cli.main(standalone_mode=False, obj=talk)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        sys.exit(TROUBLE)
    except Exception as error:  # each kind is known to explain()
        text, exit_code = explain(error)
        talk.say(f"Error: {text}", fg="red")
        if isinstance(error, click.UsageError) and error.ctx is not None and "\n" not in text:
            talk.say(f"Try '{error.ctx.command_path} --help'.")
        sys.exit(exit_code)
    sys.exit(result if isinstance(result, int) else 0)
