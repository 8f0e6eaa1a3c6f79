"""What an operator runs from a timer, next to running servers: flask --app app purge, and flask --app app advance."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from app.action.actions import BATCH, Actions, Counts
from app.action.error import Unavailable
from app.database import DatabaseError, is_for_one_process, open_database
from app.limiter import Limiter
from app.monitoring.metrics import Metrics
from app.monitoring.request_log import open_log
from app.provider import open_actions
from app.settings import PREFIX, Settings, SettingsError

T = TypeVar("T")

NAMES = ("purge", "advance", "--help")


def is_requested() -> bool:
    """Return whether this process runs one of these commands, or shows help: they need no Globus credentials."""
    return click.get_current_context(silent=True) is not None and not set(NAMES).isdisjoint(sys.argv[1:])


def add_commands(app: Flask, settings: Settings, clock: Callable[[], datetime]) -> None:
    """Add the commands to `flask --app app`."""

    @click.command()
    @with_appcontext  # type: ignore[untyped-decorator]  # Flask 2.3 has no types here
    def purge() -> None:
        """Drop all actions that have expired. Print how many."""
        actions, dropped = _actions(settings, clock), 0
        while batch := _answering(lambda: actions.purge(clock())):
            dropped += batch
            click.echo(f"{dropped} dropped …", err=True)
        click.echo(dropped)

    @click.command()
    @with_appcontext  # type: ignore[untyped-decorator]
    @click.option("--every", type=click.FloatRange(min=0.1), metavar="SECONDS", help="Repeat until stopped.")
    def advance(every: float | None) -> None:
        """Advance every action that is due, and retry pending stops and clean-ups. Print how many there were."""
        actions = _actions(settings, clock)
        while True:
            counts = _answering(lambda: advance_all(actions, clock))
            click.echo(f"advanced {counts.looked_at}, ended {counts.ended}, cleaned up {counts.cleaned_up}")
            if every is None:
                return
            time.sleep(every)

    app.cli.add_command(purge)
    app.cli.add_command(advance)


def advance_all(actions: Actions, clock: Callable[[], datetime]) -> Counts:
    """Advance everything that is due by now, in batches."""
    now, total = clock(), Counts()
    while True:
        counts = actions.advance_due(now)
        total = total + counts
        if counts.looked_at < BATCH:
            return total


def _actions(settings: Settings, clock: Callable[[], datetime]) -> Actions:
    """Return the actions of the database that the settings name, or of the application if it is complete."""
    if "provider" in current_app.extensions:
        actions: Actions = current_app.extensions["provider"].actions
        return actions
    if is_for_one_process(settings.database_url):
        raise SettingsError(
            f"{PREFIX}DATABASE_URL is memory://, which only the server's own process sees. "
            "Set it to the database of the servers."
        )
    open_log(settings.log_format)
    metrics = Metrics()
    try:
        database = open_database(settings.database_url, metrics)
    except DatabaseError as error:
        raise SettingsError(str(error)) from error
    click.get_current_context().call_on_close(database.close)
    return open_actions(settings, database, metrics, Limiter(), clock=clock, timer=time.monotonic)


def _answering(function: Callable[[], T]) -> T:
    """Return what the function returns; end in one line if the database does not answer."""
    try:
        return function()
    except Unavailable as error:
        raise click.ClickException("; ".join(error.details)) from error
