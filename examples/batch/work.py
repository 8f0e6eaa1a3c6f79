"""Runs a program as a job of a queue, in another process: python -m examples.batch.worker.

The queue is in PostgreSQL, and each job has the id of its action there. So an action has one
job, even if the provider, the worker, or both die and are restarted.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from app.error import InvalidRequest
from app.work import Active, Context, Failed, Job, Setting, Step, Succeeded
from examples.batch.job_queue import LONGEST_RUNS, JobQueue, Run

DESCRIPTION: Mapping[str, Any] = {
    "title": "Batch",
    "subtitle": "Run a program as a batch job",
    "description": (
        "Runs one of the programs that its operator offers, as a job of a queue. Shows the progress of the program, "
        "stops it when the action is canceled, and runs it again if its worker dies."
    ),
    "keywords": ["batch", "job", "queue", "compute"],
    "admin_contact": "support@batch.example",
    "administered_by": [],
}

EXAMPLE_BODY: Mapping[str, Any] = {"program": "estimate-pi", "arguments": ["20"]}

RESULT_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "required": ["output", "exit_code", "attempts"],
    "properties": {
        "output": {"type": "string", "description": "The end of what the program printed."},
        "exit_code": {"type": "integer"},
        "attempts": {"type": "integer", "description": "How many times the program was started."},
    },
}

EXAMPLE_RESULT: Mapping[str, Any] = {"output": "pi is about 3.1417\n", "exit_code": 0, "attempts": 1}

LOOK_AFTER = timedelta(seconds=1)


def _postgresql_url(text: str) -> str:
    scheme, separator, rest = text.partition("://")
    if scheme not in ("postgresql", "postgres", "postgresql+psycopg") or not separator or not rest:
        raise ValueError(scheme)
    return f"postgresql://{rest}"


def _folder(text: str) -> Path:
    folder = Path(text)
    if not folder.is_dir():
        raise ValueError(text)
    return folder.resolve()


def _seconds(text: str) -> float:
    value = float(text)
    if not 0.1 <= value <= 3600:
        raise ValueError(text)
    return value


SETTINGS: Mapping[str, Setting] = {
    "QUEUE_URL": Setting(None, _postgresql_url, "postgresql://USER:PASSWORD@HOST/DATABASE", secret=True),
    "PROGRAMS": Setting(Path(__file__).with_name("programs"), _folder, "a folder of programs"),
    "HEARTBEAT_SECONDS": Setting(10.0, _seconds, "a number of seconds from 0.1 to 3600"),
}
"""The database of the queue, the programs that callers may run, and how often a worker says that it is alive."""


def check_settings(settings: Mapping[str, Any]) -> None:
    """Raise ValueError if the database of the queue is missing."""
    if settings["QUEUE_URL"] is None:
        raise ValueError("QUEUE_URL must be set: the PostgreSQL database of the queue.")


def begin(body: Mapping[str, Any], context: Context) -> Step:
    """Check that there is such a program. Submitting it is left to `advance`: this may be called twice."""
    offered = programs(context.settings["PROGRAMS"])
    if body["program"] not in offered:
        raise InvalidRequest(f"body.program: the programs are {', '.join(offered)}")
    return Active(display_status="queued")


def advance(job: Job, context: Context) -> Step:
    """Submit the job, or check on it. Both are the same idempotent call, so the attempt does not matter."""
    queue = JobQueue(context.settings["QUEUE_URL"])
    return step(queue.submit(job.action_id, job.body["program"], job.body.get("arguments", [])))


def cancel(job: Job, context: Context) -> None:
    """Stop the job, and make sure that a submission still under way starts nothing."""
    JobQueue(context.settings["QUEUE_URL"]).stop(job.action_id)


def release(job: Job, context: Context) -> None:
    """Delete the job and its output from the queue."""
    JobQueue(context.settings["QUEUE_URL"]).forget(job.action_id)


def step(run: Run) -> Step:
    """Return the step of an action whose job is at this point."""
    match run.status:
        case "queued":
            return Active(display_status="queued", look_after=LOOK_AFTER)
        case "running":
            progress = {} if run.total is None else {"done": run.done, "total": run.total}
            shown = "running" if run.total is None else f"running, {run.done} of {run.total}"
            return Active(details={**progress, "attempts": run.attempt}, display_status=shown, look_after=LOOK_AFTER)
        case "ended" if run.exit_code == 0:
            return Succeeded(ending(run))
        case "ended":
            return Failed(f"The program ended with exit code {run.exit_code}.", "PROGRAM_FAILED", ending(run))
        case "lost":
            return Failed(f"The program was interrupted {LONGEST_RUNS} times.", "LOST", {"attempts": run.attempt})
    return Failed("The job was stopped in the queue.", "STOPPED")


def ending(run: Run) -> dict[str, Any]:
    """Return the details of a complete action's program."""
    return {"output": run.output, "exit_code": run.exit_code, "attempts": run.attempt}


def programs(folder: Path) -> list[str]:
    """Return the names of the programs in this folder."""
    return sorted(file.name for file in folder.iterdir() if file.is_file() and os.access(file, os.X_OK))
