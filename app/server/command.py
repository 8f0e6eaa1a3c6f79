"""Serve the Action Provider: with a Globus registration where one is set, else in local mode, which needs none."""

from __future__ import annotations

import os
import sys

import click

from app import settings, whattime
from app.database import DatabaseError, is_for_one_process, prepare_database
from app.local_mode import banner, is_loopback, start_local_globus
from app.openapi import openapi_document
from app.provider import read_input_schema
from app.request_log import open_log
from app.server import check_free, serve
from app.settings import PREFIX

PORT = click.IntRange(1, 65535)


@click.command(help=__doc__, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--host", default="127.0.0.1", help="The address to listen on.")
@click.option("--port", default=5000, type=PORT, help="The port to listen on.")
@click.option("--auth-port", type=PORT, show_default="port + 1", help="The port of the stand-in for Globus Auth.")
@click.option("--workers", default=1, type=click.IntRange(1, 256), help="Processes that serve requests.")
@click.option("--threads", default=16, type=click.IntRange(1, 256), help="Requests that a worker works on at once.")
def main(host: str, port: int, auth_port: int | None, workers: int, threads: int) -> None:
    config = settings.load()
    open_log(config["LOG_FORMAT"])
    local = settings.is_local(config)
    if not local:
        settings.require_credentials(config)
    elif not is_loopback(host):
        raise click.UsageError(
            f"--host {host}: local mode serves this machine only, since everybody can be anybody there. To serve "
            f"others, register with Globus Auth and set {PREFIX}CLIENT_ID, {PREFIX}CLIENT_SECRET and {PREFIX}SCOPE."
        )
    if workers > 1 and is_for_one_process(config["DATABASE_URL"]):
        raise click.UsageError(
            "--workers above 1: the in-memory database is for one process. Set "
            f"{PREFIX}DATABASE_URL to sqlite:///actions.db or postgresql+psycopg://USER:PASSWORD@HOST/DATABASE, "
            "or use --workers 1."
        )
    require_free(host, port, "--port")
    try:
        prepare_database(config["DATABASE_URL"], migrate=local)
    except DatabaseError as error:
        raise settings.SettingsError(str(error)) from error
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    input_schema, _ = read_input_schema()
    openapi_document(input_schema, config)
    title = whattime.DESCRIPTION["title"]
    welcome = f"{title} runs at {url}"
    if local:
        auth_port = auth_port or port % 65535 + 1
        if auth_port == port:
            raise click.UsageError(f"--auth-port {auth_port}: the provider listens there. Pick another.")
        require_free("127.0.0.1", auth_port, "--auth-port")
        scope = start_local_globus(auth_port, config["SCOPE"])
        welcome = banner(url, scope, title=title, example_body=whattime.EXAMPLE_BODY)
    serve(host, port, workers=workers, threads=threads, on_ready=lambda: click.echo(welcome))


def require_free(host: str, port: int, option: str) -> None:
    """Nothing, where the port can be listened on.

    :raises click.UsageError: it cannot; with the option that picks another.
    """
    try:
        check_free(host, port)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        hint = " (on macOS, the AirPlay receiver holds it)" if sys.platform == "darwin" and port == 5000 else ""
        raise click.UsageError(
            f"{host} port {port} cannot be listened on: {reason}{hint}. Pick another with {option}."
        ) from error


def run() -> None:
    """main(), with each error in one line."""
    try:
        main(prog_name="python -m app", standalone_mode=False)
    except click.ClickException as error:
        click.echo(f"Error: {error.format_message()}", err=True)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(130)


if __name__ == "__main__":
    run()
