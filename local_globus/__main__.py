"""python -m local_globus: the stand-in for Globus Auth and Groups alone, for development only."""

from __future__ import annotations

import os
import threading

import click

from local_globus.directory import CLIENT_SECRET, GROUP_ID, PEOPLE, PROVIDER_CLIENT_ID, PROVIDER_SCOPE
from local_globus.server import RunningGlobus, start_globus
from local_globus.web import create_globus


@click.command(help=__doc__, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--port", default=5001, show_default=True, type=click.IntRange(0, 65535), help="0 picks a free one.")
@click.option("--scope", default=PROVIDER_SCOPE, show_default=True, help="The scope of the local tokens.")
def main(port: int, scope: str) -> None:
    try:
        globus = start_globus(create_globus(scope), port)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise click.UsageError(f"port {port} cannot be listened on: {reason}. Pick another with --port.") from error
    click.echo(banner(globus, scope))
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        globus.stop()


def banner(globus: RunningGlobus, scope: str) -> str:
    """What there is here, as lines that a shell can read."""
    return "\n".join(
        [
            "# A stand-in for Globus Auth and Groups, for development only.",
            *(f"export {name}={value}" for name, value in globus.environment.items()),
            "# A client, its secret and its scope:",
            f"export WHATTIME_CLIENT_ID={PROVIDER_CLIENT_ID} WHATTIME_CLIENT_SECRET={CLIENT_SECRET}",
            f"export WHATTIME_SCOPE={scope}",
            *people_lines("# "),
        ]
    )


def people_lines(indent: str) -> list[str]:
    """Who there is, with their tokens."""
    people = [f"{indent}{'local-token-' + person.name:<26}{person.username}" for person in PEOPLE]
    members = " and ".join(person.name for person in PEOPLE if GROUP_ID in person.groups)
    return [
        *people,
        f"{indent}{'local-token-expired':<26}not active (any more)",
        f"{indent}{'local-token-other-scope':<26}active, for something else",
        f"{indent}group of {members}: urn:globus:groups:id:{GROUP_ID}",
    ]


if __name__ == "__main__":
    main()
