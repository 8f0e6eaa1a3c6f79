"""The command group `flow`, which imports its commands only when one of them is used."""

from __future__ import annotations

import importlib

import click

from ..errors import USAGE, Refusal

COMMANDS = {"check": "check_command", "graph": "graph_command", "run": "run_command"}
EPILOG = "Exit codes: 0 SUCCEEDED, 1 FAILED, 2 invalid definition or input; others as for all commands."
INSTALL = "`flow` needs libraries that are not installed: pip install 'simpleeval>=1.0,<1.1' 'python-jsonpath>=2.0,<3'"


class FlowGroup(click.Group):
    """Imports its commands when they are used."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        try:
            module = importlib.import_module(".commands", __package__)
        except ModuleNotFoundError as error:
            if error.name not in ("simpleeval", "jsonpath"):
                raise
            raise Refusal(INSTALL, USAGE) from error
        command: click.Command = getattr(module, COMMANDS[cmd_name])
        return command


@click.group("flow", cls=FlowGroup, epilog=EPILOG)
def flow() -> None:
    """Check, run, and draw Globus flow definitions.

    This is a tool for development on this machine, not the Globus Flows service.
    """
