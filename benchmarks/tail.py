"""How long do callers wait, by how many there are at once, and while Globus Auth is slow about others' tokens?

python -m benchmarks.tail [seconds per measurement] [rounds]: prints a table, and puts it into docs/benchmarks.md.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import product
from pathlib import Path

from app.limiter import THREADS as DEFAULT_THREADS
from benchmarks.field import started_globus, started_provider
from benchmarks.load import ALICE, DOCS, Case, Peer, check_wrk, measure, replace_section, say, start_action, wrk

Samples = dict[tuple[int, int, bool], list[dict[str, float]]]

THREADS = (2, 4, 16, DEFAULT_THREADS)
CONNECTIONS = (1, 8, 64)
SLOW_CALLERS = 4
PAUSE_MS = 100
"""How long each of the slow callers pauses between two requests."""


def measure_all(seconds: int, rounds: int) -> str:
    """Return a table of `status` in memory, by threads and connections, with and without slow tokens."""
    samples: Samples = defaultdict(list)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        globus = started_globus(stack, "benchmarks.slow_globus:create_slow_globus", threads=32)
        peers = {count: started_provider(stack, "ours", globus, "memory://", threads=count) for count in THREADS}
        lines = {count: prepare(peer, folder / str(count)) for count, peer in peers.items()}
        for number, connections in product(range(rounds), CONNECTIONS):
            for with_slow, (count, peer) in product((False, True), peers.items()):
                say(f"round {number + 1} of {rounds}: {connections} connections, {count} threads")
                known, slow = lines[count]
                with slow_callers(peer, slow, seconds, wanted=with_slow):
                    one = measure(peer, Case("status"), known, seconds, connections=connections)
                samples[count, connections, with_slow].append(one)
    say("")
    return table(samples)


def prepare(peer: Peer, folder: Path) -> tuple[Path, Path]:
    """The lines "token path" of a caller who is known, and of those whose tokens are new."""
    folder.mkdir()
    path = f"/{start_action(peer.url, ALICE, 'tail')}/status"
    known, slow = folder / "known", folder / "slow"
    known.write_text(f"{ALICE} {path}\n")
    slow.write_text("".join(f"slow-token-{number} {path}\n" for number in range(100_000)))
    return known, slow


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


def table(samples: Samples) -> str:
    """Requests a second, p50 and p99 of each."""
    heads = [f"{count} at once{slow}" for count in CONNECTIONS for slow in ("", ", slow tokens")]
    lines = [f"| threads | {' | '.join(heads)} |", f"|---:|{'---:|' * len(heads)}"]
    for count in THREADS:
        cells = (cell(samples[count, connections, slow]) for connections in CONNECTIONS for slow in (False, True))
        lines.append(f"| {count} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def cell(many: list[dict[str, float]]) -> str:
    rate, p50, p99 = (statistics.median(one[name] for one in many) for name in ("rate", "p50", "p99"))
    return f"{rate:,.0f}; {p50:.1f}, {p99:.1f}"


def main() -> None:
    check_wrk()
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    text = f"{seconds} s per measurement, rounds: {rounds}.\n\n{measure_all(seconds, rounds)}"
    print(text)
    replace_section(DOCS / "benchmarks.md", "tail", text)


if __name__ == "__main__":
    main()
