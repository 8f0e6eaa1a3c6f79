"""Do callers notice how much is stored? `status` and `run` over HTTP, on a database that is filled already."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

from app.limiter import THREADS
from benchmarks.field import started, started_globus, started_provider
from benchmarks.load import ALICE, Case, Peer, measure, start_action

SECONDS = 3


class OverHttp:
    """A provider that is started anew for each measurement."""

    def __init__(self, stack: ExitStack) -> None:
        self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        self._environment = started_globus(stack, "local_globus.web:create_globus", threads=4)

    def measure(self, database_url: str, stored: int) -> dict[str, float]:
        """Requests a second with so many actions stored: those of the database at the URL, or as many in memory."""
        with ExitStack() as stack:
            peer = self._provider(stack, database_url, stored)
            action_id = start_action(peer.url, ALICE, f"growth-{stored}")
            cases = {"status": Case("status"), "run": Case("run", "run", "POST", unique=True)}
            return {
                name: measure(peer, case, self._lines(name, action_id), SECONDS)["rate"] for name, case in cases.items()
            }

    def _provider(self, stack: ExitStack, database_url: str, stored: int) -> Peer:
        if database_url != "memory://":
            return started_provider(stack, "full", self._environment, database_url)
        full = self._environment | {"BENCH_ACTIONS": str(stored)}
        return started(stack, "full", "benchmarks.full_memory:create_full_app", THREADS, full)

    def _lines(self, name: str, action_id: str) -> Path:
        lines = self._folder / name
        lines.write_text(f"{ALICE} /run\n" if name == "run" else f"{ALICE} /{action_id}/status\n")
        return lines
