"""Processes that serve and call a provider of jobs, and occasionally die.

Usage: python -m tests.job_clients DATABASE_URL JOB_URL

Four processes with three clients each start, poll, and cancel six actions until all have ended. A process that dies
is replaced. It prints the final status documents as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from app import create_app
from tests.api import provider_of
from tests.conftest import ALICE, CREDENTIALS
from tests.patched_auth import patch_globus

PROCESSES, CLIENTS, ACTIONS, SECONDS = 4, 3, 6, 60
CANCELED = range(0, ACTIONS, 3)


def main(database_url: str, job_url: str) -> None:
    settings = {"WORK": "tests.job_work", "DATABASE_URL": database_url, "JOB_URL": job_url, "LEASE_SECONDS": 1}
    children = {os.fork() or run_clients({**CREDENTIALS, **settings, "CRASH_RATE": 0.5}) for _ in range(PROCESSES)}
    end = time.monotonic() + SECONDS
    while children:
        pid, status = os.wait()
        children.discard(pid)
        if os.waitstatus_to_exitcode(status) == 9 and time.monotonic() < end:
            children.add(os.fork() or run_clients({**CREDENTIALS, **settings, "CRASH_RATE": 0.5}))
    print(json.dumps(final_documents({**CREDENTIALS, **settings})))


def run_clients(settings: dict[str, Any]) -> int:
    """Run a process with its clients until all actions have ended. Does not return."""
    app, token = open_app(settings)
    clients = [threading.Thread(target=call_until_ended, args=(app, token, number)) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    os._exit(0)


def open_app(settings: dict[str, Any]) -> tuple[Flask, str]:
    globus = patch_globus(pytest.MonkeyPatch(), scope=settings["SCOPE"])
    return create_app(settings), globus.login(ALICE)


def call_until_ended(app: Flask, token: str, number: int) -> None:
    client, headers = app.test_client(), {"Authorization": f"Bearer {token}"}
    waiting, end = set(range(ACTIONS)), time.monotonic() + SECONDS
    while waiting and time.monotonic() < end:
        for action in sorted(waiting):
            request = {"request_id": f"job-{action}", "body": {}}
            document: Any = client.post("/run", json=request, headers=headers).json
            if document.get("details", {}).get("polls", 0) > 1 and action in CANCELED:
                client.post(f"/{document['action_id']}/cancel", headers=headers)
            if document.get("status") in ("SUCCEEDED", "FAILED"):
                waiting.discard(action)
        time.sleep(0.02 * (number + 1))


def final_documents(settings: dict[str, Any]) -> Any:
    """Retry pending work until there is none, and return all status documents."""
    app, token = open_app(settings)
    actions, now = provider_of(app).actions, provider_of(app).now
    while provider_of(app).database.due(now() + timedelta(hours=1), 1):
        actions.advance_due(now())
        time.sleep(0.1)
    query = {"status": "active,inactive,succeeded,failed"}
    headers = {"Authorization": f"Bearer {token}"}
    documents = app.test_client().get("/actions", query_string=query, headers=headers).json
    provider_of(app).close()
    return documents


if __name__ == "__main__":
    main(*sys.argv[1:])
