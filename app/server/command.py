"""Serve the Action Provider: with a Globus registration if one is set, otherwise in local mode, which needs none."""

from __future__ import annotations

import os
import sys

import click

from app import settings
from app.database import DatabaseError, is_for_one_process, prepare_database
from app.limiter import THREADS
from app.monitoring.request_log import open_log
from app.monitoring.shared_counts import MissingFolder
from app.provider import read_input_schema
from app.server.local_mode import banner, start_local_globus
from app.server.serve import check_free, serve
from app.settings import PREFIX, Settings, SettingsError
from app.web.hosts import is_loopback
from app.web.openapi import openapi_document

PORT = click.IntRange(1, 65535)


@click.command(help=__doc__, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--host", default="127.0.0.1", help="The address to listen on.")
@click.option("--port", default=5000, type=PORT, help="The port to listen on.")
@click.option("--auth-port", type=PORT, show_default="port + 1", help="The port of the stand-in for Globus Auth.")
@click.option("--workers", default=1, type=click.IntRange(1, 256), help="Processes that serve requests.")
@click.option("--threads", default=THREADS, type=click.IntRange(2, 256), help="Requests that a worker serves at once.")
def main(host: str, port: int, auth_port: int | None, workers: int, threads: int) -> None:
    config = settings.load()
    open_log(config.log_format)
    check_options(config, host, workers)
    require_free(host, port, "--port")
    try:
        prepare_database(config.database_url, migrate=config.is_local)
    except DatabaseError as error:
        raise SettingsError(str(error)) from error
    input_schema, _ = read_input_schema(config.work)
    openapi_document(config.work, input_schema, config)
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    welcome = f"{config.work.description['title']} runs at {url}"
    if config.is_local:
        auth_port = auth_port or port % 65535 + 1
        if auth_port == port:
            raise click.UsageError(f"--auth-port {auth_port}: the provider listens on this port. Choose another.")
        require_free("127.0.0.1", auth_port, "--auth-port")
        scope = start_local_globus(auth_port, config.scope)
        welcome = banner(url, f"http://127.0.0.1:{auth_port}/", scope, config)
    try:
        serve(host, port, workers=workers, threads=threads, on_ready=lambda: click.echo(welcome))
    except MissingFolder as error:
        raise click.UsageError(str(error)) from error


def check_options(config: Settings, host: str, workers: int) -> None:
    """Raise UsageError or SettingsError if options and settings do not fit together."""
    if not config.is_local:
        config.credentials()
    elif not is_loopback(host):
        raise click.UsageError(
            f"--host {host}: local mode serves this machine only, because anyone can act as any user there. To serve "
            f"others, register with Globus Auth and set {PREFIX}CLIENT_ID, {PREFIX}CLIENT_SECRET, and {PREFIX}SCOPE."
        )
    if workers > 1 and is_for_one_process(config.database_url):
        raise click.UsageError(
            "--workers above 1: the in-memory database is for one process. Set "
            f"{PREFIX}DATABASE_URL to sqlite:///actions.db or postgresql+psycopg://USER:PASSWORD@HOST/DATABASE, "
            "or use --workers 1."
        )


def require_free(host: str, port: int, option: str) -> None:
    """Raise UsageError, naming the option that selects another port, unless the port is free."""
    try:
        check_free(host, port)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        hint = " (on macOS, the AirPlay receiver uses it)" if sys.platform == "darwin" and port == 5000 else ""
        raise click.UsageError(
            f"cannot listen on {host} port {port}: {reason}{hint}. Choose another with {option}."
        ) from error


def run() -> None:
    """Run the command, with each error in one line."""
    try:
        main(prog_name="python -m app", standalone_mode=False)
    except click.ClickException as error:
        click.echo(f"Error: {error.format_message()}", err=True)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(130)
