"""A worker of the queue: python -m examples.batch.worker. Start as many as programs may run at once.

It has the settings of the provider: WHATTIME_QUEUE_URL, WHATTIME_PROGRAMS, and WHATTIME_HEARTBEAT_SECONDS.
"""

from __future__ import annotations

import asyncio
import sys

import click

from app.settings import SettingsError, load
from examples.batch.job_queue import JobQueue
from examples.batch.running import Worker


def main() -> None:
    """Create the tables of the queue if they do not exist, and work."""
    try:
        settings = load({"WORK": "examples.batch.work"}).work_settings
    except SettingsError as error:
        sys.exit(f"Error: {error.format_message()}")
    JobQueue(settings["QUEUE_URL"]).create_tables()
    click.echo("The worker is ready. Ctrl-C stops it.")
    asyncio.run(Worker(settings["QUEUE_URL"], settings["PROGRAMS"], settings["HEARTBEAT_SECONDS"]).run())


if __name__ == "__main__":
    main()
