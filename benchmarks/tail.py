"""How long do callers wait, by how many there are at once, and while Globus Auth is slow about others' tokens?"""

from __future__ import annotations

import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.field import started_globus, started_provider
from benchmarks.load import ALICE, Case, Peer, measure, say, start_action, wrk

CONNECTIONS = (1, 8, 64)
SLOW_CALLERS = 4
PAUSE_MS = 100
"""How long each of the slow callers pauses between two requests."""


def measure_all(seconds: int, rounds: int) -> str:
    """A table of `status` in memory, with and without slow tokens."""
    samples: dict[tuple[int, bool], list[dict[str, float]]] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        globus = started_globus(stack, "benchmarks.slow_globus:create_slow_globus", threads=32)
        peer = started_provider(stack, "ours", globus, "memory://")
        path = f"/{start_action(peer.url, ALICE, 'tail')}/status"
        known, slow = folder / "known", folder / "slow"
        known.write_text(f"{ALICE} {path}\n")
        slow.write_text("".join(f"slow-token-{number} {path}\n" for number in range(100_000)))
        for number in range(rounds):
            for connections in CONNECTIONS:
                for with_slow in (False, True):
                    say(f"round {number + 1} of {rounds}: {connections} connections")
                    with slow_callers(peer, slow, seconds, wanted=with_slow):
                        one = measure(peer, Case("status"), known, seconds, connections=connections)
                    samples.setdefault((connections, with_slow), []).append(one)
    say("")
    return table(samples)


@contextmanager
def slow_callers(peer: Peer, lines: Path, seconds: int, *, wanted: bool) -> Iterator[None]:
    """Callers in the background, each of whose tokens is new."""
    if not wanted:
        yield
        return
    case = Case("slow tokens", pause_ms=PAUSE_MS)
    command = wrk(peer, case, lines, seconds + 1, connections=SLOW_CALLERS)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as running:
        yield
        running.wait()


def table(samples: dict[tuple[int, bool], list[dict[str, float]]]) -> str:
    lines = [
        "| connections | slow tokens | requests/s | p50 ms | p99 ms | p99 : p50 |",
        "|---:|---|---:|---:|---:|---:|",
    ]
    for (connections, with_slow), many in samples.items():
        rate, p50, p99 = (statistics.median(one[name] for one in many) for name in ("rate", "p50", "p99"))
        slow = f"{SLOW_CALLERS} callers" if with_slow else "none"
        lines.append(f"| {connections} | {slow} | {rate:,.0f} | {p50:.2f} | {p99:.1f} | {p99 / p50:.1f} |")
    return "\n".join(lines) + "\n"
