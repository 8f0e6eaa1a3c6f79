"""Runs the jobs of the queue: starts each program, records its progress and its end, and stops it.

A program reports its progress by printing lines such as `PROGRESS 3 7`: 3 of 7 steps are done.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import click
from procrastinate import App, JobContext, PsycopgConnector, RetryStrategy
from procrastinate.exceptions import JobAborted

from examples.batch.job_queue import LONGEST_RUNS, TASK

OUTPUT_CHARACTERS = 4000
"""How much of the end of a program's output is kept."""

PROGRESS = re.compile(r"PROGRESS (\d{1,9}) (\d{1,9})")

START = """
UPDATE batch_runs SET attempt = attempt + 1, done = NULL, total = NULL, output = '',
    status = CASE WHEN attempt < %(longest)s THEN 'running' ELSE 'lost' END
WHERE action_id = %(action_id)s AND status IN ('queued', 'running')
RETURNING program, arguments, attempt, status
"""

PROGRESSED = """
UPDATE batch_runs SET done = %(done)s, total = %(total)s
WHERE action_id = %(action_id)s AND status = 'running' AND attempt = %(attempt)s RETURNING action_id
"""

ENDED = """
UPDATE batch_runs SET status = 'ended', exit_code = %(exit_code)s, output = %(output)s
WHERE action_id = %(action_id)s AND status = 'running' AND attempt = %(attempt)s RETURNING action_id
"""


class Worker:
    """Runs the jobs of a queue, one at a time, and retries those whose worker has died.

    :param programs: the folder of the programs that may be run.
    :param heartbeat_seconds: how often the worker says that it is alive. After three times this long without a
        sign, it counts as dead.
    """

    def __init__(self, url: str, programs: Path, heartbeat_seconds: float) -> None:
        self._programs = programs
        self._heartbeat_seconds = heartbeat_seconds
        self._app = App(connector=PsycopgConnector(conninfo=url))
        # An attempt that raised an error is retried, like one whose worker died. LONGEST_RUNS limits both.
        retry = RetryStrategy(max_attempts=LONGEST_RUNS + 1, wait=1)
        self._app.task(name=TASK, queue="batch", pass_context=True, retry=retry)(self.run_job)

    async def run(self) -> None:
        """Work until SIGTERM or SIGINT."""
        async with self._app.open_async():
            retrying = asyncio.create_task(self._retry_stalled_jobs())
            try:
                await self._app.run_worker_async(
                    queues=["batch"],
                    fetch_job_polling_interval=self._heartbeat_seconds,
                    abort_job_polling_interval=self._heartbeat_seconds,
                    update_heartbeat_interval=self._heartbeat_seconds,
                    stalled_worker_timeout=self._patience_seconds,
                    shutdown_graceful_timeout=self._patience_seconds,
                )
            finally:
                retrying.cancel()

    @property
    def _patience_seconds(self) -> float:
        """How long a worker may be silent before it counts as dead, or continue after it is told to stop."""
        return 3 * self._heartbeat_seconds

    async def _retry_stalled_jobs(self) -> None:
        while True:
            stalled = await self._app.job_manager.get_stalled_jobs(seconds_since_heartbeat=self._patience_seconds)
            for job in stalled:
                click.echo(f"the worker of job {job.id} has died; the job runs again", err=True)
                await self._app.job_manager.retry_job(job)
            await asyncio.sleep(self._heartbeat_seconds)

    async def run_job(self, _context: JobContext, action_id: str) -> None:
        """Run the program of this action, unless it was stopped or was interrupted too often.

        :raises JobAborted: the job was stopped, or this worker is stopping and the job will be retried.
        """
        started = await self._query(START, action_id=action_id, longest=LONGEST_RUNS)
        if not started or started[0]["status"] != "running":
            return
        run = started[0]
        with tempfile.TemporaryDirectory(prefix="batch-") as folder:
            command = [str(self._programs / run["program"]), *run["arguments"]]
            process = await supervised(command, folder)
            try:
                await self._follow(process, {"action_id": action_id, "attempt": run["attempt"]})
            except asyncio.CancelledError as error:
                raise JobAborted from error
            finally:
                await end(process)

    async def _follow(self, process: Process, key: Mapping[str, Any]) -> None:
        """Record the progress of the program and its end.

        :raises JobAborted: the job was stopped, or another worker has it.
        """
        output = ""
        async for line in lines(process):
            found = PROGRESS.fullmatch(line.rstrip())
            if found is None:
                output = (output + line)[-OUTPUT_CHARACTERS:]
            elif not await self._query(PROGRESSED, done=int(found[1]), total=int(found[2]), **key):
                raise JobAborted
        exit_code = await process.wait()
        if exit_code < 0:
            raise ChildProcessError(f"the supervisor was ended by signal {-exit_code}")
        await self._query(ENDED, exit_code=exit_code, output=output, **key)

    async def _query(self, query: Any, **values: Any) -> list[dict[str, Any]]:
        return list(await self._app.connector.execute_query_all_async(query, **values))


async def supervised(command: list[str], folder: str) -> Process:
    """Start a program that ends with this process, in `folder`, without the settings of the provider."""
    environment = {name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ}
    supervise = str(Path(__file__).with_name("supervise.py"))
    return await asyncio.create_subprocess_exec(
        sys.executable,
        supervise,
        *command,
        stdin=PIPE,
        stdout=PIPE,
        stderr=STDOUT,
        cwd=folder,
        env=environment,
        start_new_session=True,  # Ctrl-C is for the worker
    )


async def end(process: Process) -> None:
    """Kill the program if it is still running, by closing the standard input of its supervisor."""
    if process.stdin is not None:
        process.stdin.close()
    await process.wait()


async def lines(process: Process) -> AsyncIterator[str]:
    """Yield what the process prints, line by line; a very long line in pieces."""
    stream = process.stdout
    if stream is None:
        return
    rest = b""
    while chunk := await stream.read(OUTPUT_CHARACTERS):
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}") + "\n"
        if len(rest) > OUTPUT_CHARACTERS:
            yield rest.decode(errors="replace")
            rest = b""
    if rest:
        yield rest.decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
