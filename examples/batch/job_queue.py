"""The queue as the provider uses it: submit, look, stop, and forget a job, by the id of its action.

procrastinate hands jobs to workers. What it has no place for (progress, output, and jobs stopped before they were
submitted) is in a table of our own next to its tables. A job is submitted in one transaction with its row there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import procrastinate
import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

TASK = "run_program"

LONGEST_RUNS = 3
"""How many times a program is started before its job counts as lost."""

CONNECT_SECONDS = 5
STATEMENT_MILLISECONDS = 10_000
"""A hook must return within LEASE_SECONDS, even if the database does not answer."""

TABLE = """
CREATE TABLE IF NOT EXISTS batch_runs (
    action_id text PRIMARY KEY,
    job_id bigint,
    program text NOT NULL,
    arguments jsonb NOT NULL,
    status text NOT NULL CHECK (status IN ('queued', 'running', 'ended', 'lost', 'stopped')),
    attempt integer NOT NULL DEFAULT 0,
    done integer,
    total integer,
    exit_code integer,
    output text NOT NULL DEFAULT ''
)
"""

INSERT = """
INSERT INTO batch_runs (action_id, program, arguments, status) VALUES (%s, %s, %s, %s)
ON CONFLICT (action_id) DO NOTHING RETURNING action_id
"""


@dataclass(frozen=True)
class Run:
    """What the queue knows about a job.

    :param status: queued, running, ended, lost, or stopped.
    :param attempt: how many times the program was started.
    :param done: how many of `total` steps the program has done; None if it does not say.
    :param output: the end of what it printed.
    """

    action_id: str
    job_id: int | None
    program: str
    arguments: Sequence[str]
    status: str
    attempt: int
    done: int | None
    total: int | None
    exit_code: int | None
    output: str


class JobQueue:
    """The queue in this database. Every method opens a connection of its own: hooks are called seconds apart."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._app = procrastinate.App(connector=procrastinate.SyncPsycopgConnector(conninfo=url))

    def create_tables(self) -> None:
        """Create the tables of the queue, unless they exist."""
        with self._connection() as connection:
            connection.execute("SELECT pg_advisory_xact_lock(20260314)")  # only one of several workers creates them
            found = connection.execute("SELECT to_regclass('procrastinate_jobs')").fetchone()
            if found is not None and found[0] is None:
                connection.execute(procrastinate.schema.SchemaManager.get_schema())
            connection.execute(TABLE)

    def submit(self, action_id: str, program: str, arguments: Sequence[str]) -> Run:
        """Submit the job of this action, unless that was done before. Return what the queue knows about it."""
        with self._connection() as connection:
            if connection.execute(INSERT, (action_id, program, Jsonb(list(arguments)), "queued")).fetchone():
                task = self._app.configure_task(
                    TASK, queueing_lock=action_id, lock=action_id, queue="batch", connection=connection
                )
                job_id = task.defer(action_id=action_id)
                connection.execute("UPDATE batch_runs SET job_id = %s WHERE action_id = %s", (job_id, action_id))
            with connection.cursor(row_factory=class_row(Run)) as cursor:
                run = cursor.execute("SELECT * FROM batch_runs WHERE action_id = %s", (action_id,)).fetchone()
        if run is None:
            raise LookupError(f"the job of action {action_id} was deleted in the meantime")
        return run

    def stop(self, action_id: str) -> None:
        """Stop the job of this action. If there is none yet, it can no longer be submitted."""
        with self._connection() as connection:
            if connection.execute(INSERT, (action_id, "", Jsonb([]), "stopped")).fetchone():
                return
            stopped = connection.execute(
                "UPDATE batch_runs SET status = 'stopped' WHERE action_id = %s AND status IN ('queued', 'running') "
                "RETURNING job_id",
                (action_id,),
            ).fetchone()
            if stopped is not None and stopped[0] is not None:
                self._app.job_manager.cancel_job_by_id(stopped[0], abort=True, connection=connection)

    def forget(self, action_id: str) -> None:
        """Delete the job of this action, if there is one, with its output."""
        with self._connection() as connection:
            deleted = connection.execute(
                "DELETE FROM batch_runs WHERE action_id = %s RETURNING job_id", (action_id,)
            ).fetchone()
            if deleted is not None:
                connection.execute("DELETE FROM procrastinate_jobs WHERE id = %s AND status <> 'doing'", deleted)

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection[Any]]:
        """Yield a connection. What is done within is one transaction."""
        options = f"-c statement_timeout={STATEMENT_MILLISECONDS}"
        with psycopg.connect(self._url, connect_timeout=CONNECT_SECONDS, options=options) as connection:
            yield connection
