"""Work that runs elsewhere survives the death of any process: one job per action, and no stopped job keeps running."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from app.database import prepare_database
from tests.job_clients import ACTIONS, CANCELED
from tests.processes import ROOT, clean_environment


class JobService(ThreadingHTTPServer):
    """A service that runs jobs. Each is known by its action, so that a repeated submission starts no second one."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), JobHandler)
        self.lock = threading.Lock()
        self.running: set[str] = set()
        self.stopped: set[str] = set()
        self.polls: Counter[str] = Counter()
        self.submissions: Counter[str] = Counter()
        self.attempts: defaultdict[str, set[int]] = defaultdict(set)
        self.under_way: Counter[str] = Counter()
        self.simultaneous: list[str] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, operation: str, action_id: str) -> dict[str, Any]:
        if operation == "submit":
            self.submissions[action_id] += 1
            if action_id not in self.stopped:
                self.running.add(action_id)
        elif operation == "stop":
            self.stopped.add(action_id)
            self.running.discard(action_id)
        self.polls[action_id] += 1
        if self.polls[action_id] > 4:
            self.running.discard(action_id)
            return {"status": "done", "polls": self.polls[action_id]}
        return {"status": "running", "polls": self.polls[action_id]}


class JobHandler(BaseHTTPRequestHandler):
    server: JobService

    def do_POST(self) -> None:
        _, operation, action_id, attempt = self.path.split("/")
        service, advancing = self.server, self.path.startswith(("/submit", "/poll"))
        with service.lock:
            service.attempts[action_id].add(int(attempt))
            service.under_way[action_id] += advancing
            if service.under_way[action_id] > 1:
                service.simultaneous.append(action_id)
            body = json.dumps(service.answer(operation, action_id)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with service.lock:
            service.under_way[action_id] -= advancing
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def service() -> Iterator[JobService]:
    with JobService() as service:
        yield service
        service.shutdown()


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_each_action_has_one_job_whichever_process_dies(database_url: str, service: JobService) -> None:
    prepare_database(database_url, migrate=True)
    done = subprocess.run(
        [sys.executable, "-m", "tests.job_clients", database_url, service.url],
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    documents = json.loads(done.stdout)
    assert len(documents) == ACTIONS
    ended = Counter(document["details"].get("error", document["status"]) for document in documents)
    assert set(ended) <= {"SUCCEEDED", "CANCELLED"}
    assert ended["SUCCEEDED"] >= ACTIONS - len(CANCELED)
    assert service.simultaneous == []
    assert service.running == set()
    for document in documents:
        action_id = document["action_id"]
        assert service.submissions[action_id] >= 1
        if document["details"].get("error") == "CANCELLED":
            assert action_id in service.stopped
    assert max(max(attempts) for attempts in service.attempts.values()) > 1
    assert sum(service.submissions.values()) > ACTIONS, "no process died after it had submitted a job"
