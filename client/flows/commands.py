"""The commands `flow check`, `flow run`, and `flow graph`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from .ask_providers import ask_providers
from .bridge import USAGE, Console, Refusal, output
from .check import check, errors_of, require_right
from .definition import Definition
from .errors import DefinitionError
from .graph import mermaid, tree
from .local_run import LocalRun
from .options import ProviderOptions, provider_options

FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
LOG = click.Path(path_type=Path, dir_okay=False)


@click.command("check")
@click.argument("file", type=FILE)
@click.option("--ask-providers", "asks", is_flag=True, help="Ask each provider whether the Parameters fit its schema.")
@provider_options
def check_command(console: Console, options: ProviderOptions, *, file: Path, asks: bool) -> int:
    """Show what is wrong with a definition, and on which line."""
    definition = _load(file)
    findings = check(definition)
    if asks and not errors_of(findings):
        findings += ask_providers(definition, options.providers(console, definition))
    for finding in findings:
        output.write(console.hide(f"{file}: {finding}"))
    if errors_of(findings):
        return USAGE
    count = len(definition.states)
    console.say(f"{file}: no errors ({count} {'state' if count == 1 else 'states'})")
    return 0


@click.command("graph")
@click.argument("file", type=FILE)
@click.option(
    "--as",
    "form",
    type=click.Choice(["mermaid", "tree"]),
    help="The format: by default, a tree on a terminal and Mermaid otherwise.",
)
def graph_command(*, file: Path, form: str | None) -> None:
    """Draw a flow, as a tree or as a Mermaid flowchart."""
    definition = _load(file)
    try:
        require_right(definition)
    except DefinitionError as error:
        raise _refusal(error, file) from error
    as_tree = form == "tree" or (form is None and sys.stdout.isatty())
    output.write(tree(definition) if as_tree else mermaid(definition))


@click.command("run")
@click.argument("file", type=FILE, required=False)
@click.option("-i", "--input", "given", help="The input: JSON or YAML, a file's name, or - for stdin.")
@click.option("--input-schema", "schema", type=FILE, help="A file with a JSON Schema for the input.")
@click.option("-l", "--label", default="Local run", show_default=True, help="The label of the run and its actions.")
@click.option(
    "--log", "log", type=LOG, help="Write the run's log to this file, so that the run can be continued later."
)
@click.option("--continue", "continued", type=LOG, help="Continue the run that wrote this log.")
@click.option("--keep", is_flag=True, help="Do not release actions.")
@click.option("--context", help="Fields of $._context, such as username: JSON, YAML, or the name of a file.")
@click.option(
    "--answer", "answers", multiple=True, metavar="VALUE", help="The answer to a web input; repeat for further ones."
)
@provider_options
def run_command(
    console: Console, options: ProviderOptions, *, file: Path | None, continued: Path | None, **given: Any
) -> int:
    """Run a flow on this machine, with any Action Providers.

    The final state is written to stdout. This is a tool for development, not the Globus Flows service.
    """
    if (file is None) == (continued is None):
        raise click.UsageError("Give a definition FILE, or --continue with the log of a run.")
    if continued is not None and (given["given"] is not None or given["log"] is not None):
        raise click.UsageError("--continue cannot be combined with --input or --log: the run already has both.")
    try:
        if continued is not None:
            return LocalRun.continued(console, options, continued, **given).execute()
        return LocalRun.new(console, options, Definition.load(file or Path()), **given).execute()
    except DefinitionError as error:
        raise _refusal(error, file) from error


def _load(file: Path) -> Definition:
    try:
        return Definition.load(file)
    except DefinitionError as error:
        raise _refusal(error, file) from error


def _refusal(error: DefinitionError, file: Path | None) -> Refusal:
    lines = [f"{file}: {finding}" if file else str(finding) for finding in error.findings]
    return Refusal(lines[0] if len(lines) == 1 else "\n".join(["", *(f"  - {line}" for line in lines)]), USAGE)
