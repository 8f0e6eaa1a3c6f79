"""A work module whose jobs run in an HTTP service. Its process may die after any effect, before the step is stored."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from random import SystemRandom
from typing import Any

import requests

from app.work import Active, Context, Job, Setting, Step, Succeeded

SCHEMA = Path(__file__).with_name("job_work.json")
DESCRIPTION: Mapping[str, Any] = {
    "title": "Jobs",
    "subtitle": "For tests",
    "description": "Runs jobs in an HTTP service.",
    "keywords": [],
    "admin_contact": "tests@provider.example",
    "administered_by": [],
}
EXAMPLE_BODY: Mapping[str, Any] = {}
SETTINGS = {
    "JOB_URL": Setting("http://127.0.0.1:1", str, "the URL of the job service"),
    "CRASH_RATE": Setting(0.0, float, "a number from 0 to 1"),
}


def begin(_body: Any, _context: Context) -> Step:
    return Active()


def advance(job: Job, context: Context) -> Step:
    answer = call("submit" if not job.state else "poll", job, context)
    if answer["status"] == "done":
        return Succeeded({"polls": answer["polls"]})
    return Active({"submitted": True}, {"polls": answer["polls"]}, look_after=timedelta(milliseconds=50))


def cancel(job: Job, context: Context) -> None:
    call("stop", job, context)


def release(job: Job, context: Context) -> None:
    call("forget", job, context)


def call(operation: str, job: Job, context: Context) -> Any:
    """Call the service, and then die with the probability of CRASH_RATE."""
    url = f"{context.settings['JOB_URL']}/{operation}/{job.action_id}/{job.attempt}"
    answer = requests.post(url, timeout=10).json()
    if SystemRandom().random() < context.settings["CRASH_RATE"]:
        os._exit(9)
    return answer
