"""Start the stand-in for Globus Auth and Groups by itself, for development only.

It prints the settings for your Action Provider and its clients. Without options, it has one client with one scope. A
scope may name the scopes that it depends on, as in 'SCOPE[DEPENDENT_SCOPE]'.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path

import click

from local_globus.banner import banner, people_lines
from local_globus.registry import Registry, RegistryError, register
from local_globus.registry_file import read_registry
from local_globus.server import start_globus
from local_globus.web import create_globus

__all__ = ["main", "people_lines"]


@click.command(help=__doc__, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--port", default=5001, show_default=True, type=click.IntRange(0, 65535), help="0 chooses a free port.")
@click.option("--client", "clients", multiple=True, metavar="ID:SECRET", help="Register a client. Repeatable.")
@click.option("--scope", "scopes", multiple=True, metavar="SCOPE", help="Register a client's scope. Repeatable.")
@click.option(
    "--ask-consent",
    multiple=True,
    metavar="SCOPE",
    help="People must consent before a provider gets dependent tokens for this scope. Repeatable.",
)
@click.option(
    "--registry",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Register the clients and scopes in this TOML or JSON file.",
)
def main(
    port: int, clients: Sequence[str], scopes: Sequence[str], ask_consent: Sequence[str], file: Path | None
) -> None:
    registry = chosen_registry(clients, scopes, ask_consent, file)
    try:
        globus = start_globus(create_globus(registry=registry), port)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise click.UsageError(f"cannot listen on port {port}: {reason}. Choose another with --port.") from error
    click.echo(banner(globus, registry))
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        globus.stop()


def chosen_registry(
    clients: Sequence[str], scopes: Sequence[str], ask_consent: Sequence[str], file: Path | None
) -> Registry:
    """Return the registry that the options describe.

    :raises click.UsageError: they are invalid.
    """
    if file is not None and (clients or scopes or ask_consent):
        raise click.UsageError("--registry replaces --client, --scope, and --ask-consent: put them in the file.")
    try:
        return register(clients, scopes, ask_consent) if file is None else read_registry(file)
    except RegistryError as error:
        raise click.UsageError(str(error)) from error


if __name__ == "__main__":
    main()
