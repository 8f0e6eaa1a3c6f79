"""How fast is it? Measures this provider next to its floors and to a peer, in interleaved rounds of `wrk`.

script/bench [seconds per measurement] [rounds]: prints tables, and puts them into docs/benchmarks.md, with a figure.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from app.limiter import THREADS
from benchmarks import figure
from benchmarks.field import (
    BARE,
    BARE_POSTGRESQL,
    BARE_SQLITE,
    FLOORS,
    GUNICORN,
    MEMORY,
    POSTGRESQL,
    SQLITE,
    TWO_WORKERS,
    Field,
)
from benchmarks.load import CONNECTIONS, DOCS, Case, check_wrk, measure, replace_section, say

STATUS, RUN, PAGE = Case("status"), Case("run", "run", "POST", unique=True), Case("page of 100", "page")
MANY_USERS = Case("status, 1,000 users", users=1000)

Samples = Mapping[tuple[str, str], Sequence[Mapping[str, float]]]
"""What was measured, by case and peer: one for each round."""


@dataclass(frozen=True)
class Pair:
    """Two measurements, one right after the other, whose ratio is wanted to be at least `goal`."""

    name: str
    case: Case
    peer: str
    other: str
    goal: float | None
    other_case: Case | None = None


PAIRS = (
    Pair("status on PostgreSQL : driver floor", STATUS, POSTGRESQL, BARE_POSTGRESQL, 0.65),
    Pair("run on PostgreSQL : driver floor", RUN, POSTGRESQL, BARE_POSTGRESQL, 0.6),
    Pair("page of 100 on PostgreSQL : driver floor", PAGE, POSTGRESQL, BARE_POSTGRESQL, 0.5),
    Pair("status on SQLite : driver floor", STATUS, SQLITE, BARE_SQLITE, 0.65),
    Pair("run on SQLite : driver floor", RUN, SQLITE, BARE_SQLITE, 0.6),
    Pair("page of 100 on SQLite : driver floor", PAGE, SQLITE, BARE_SQLITE, 0.5),
    Pair("status on PostgreSQL, two workers : one", STATUS, TWO_WORKERS, POSTGRESQL, 1.7),
    Pair("status in memory : bare Flask", STATUS, MEMORY, BARE, 0.8),
    Pair("run in memory : bare Flask that parses", RUN, MEMORY, BARE, 0.5),
    Pair("status of 1,000 users in memory : of one", MANY_USERS, MEMORY, MEMORY, 0.9, STATUS),
    Pair("status in memory : blueprint on gunicorn", STATUS, MEMORY, GUNICORN, None),
    Pair("run in memory : blueprint on gunicorn", RUN, MEMORY, GUNICORN, None),
)


def measure_all(field: Field, seconds: int, rounds: int) -> Samples:
    """Return what was measured. Each round measures all, and what is compared is measured close together."""
    wanted = dict[tuple[Case, str], None]()
    for pair in PAIRS:
        wanted |= {(pair.case, pair.peer): None, (pair.other_case or pair.case, pair.other): None}
    files = {(case.name, name): field.requests_of(field.peers[name], case) for case, name in wanted}
    samples = defaultdict(list)
    for number in range(rounds):
        for case, name in wanted:
            say(f"round {number + 1} of {rounds}: {case.name}, {name}")
            samples[case.name, name].append(measure(field.peers[name], case, files[case.name, name], seconds))
    say("")
    return samples


def ratios(samples: Samples, pair: Pair, unit: str = "rate") -> list[float]:
    """Return the ratios of a pair, round by round."""
    ours, others = samples[pair.case.name, pair.peer], samples[(pair.other_case or pair.case).name, pair.other]
    return [one[unit] / other[unit] for one, other in zip(ours, others, strict=True)]


def verdict(ratio: float, goal: float | None) -> str:
    if goal is None:
        return "no goal |"
    return f"≥ {goal} | " + ("met" if ratio >= goal else f"**missed** by {1 - ratio / goal:.0%}")


def report(samples: Samples, memory: Mapping[str, float], seconds: int, rounds: int) -> str:
    lines = [
        f"Python {platform.python_version()}, {os.cpu_count()} cores, load average {os.getloadavg()[1]:.0f} at the end,"
        f" {CONNECTIONS} connections, {THREADS} threads, {seconds} s per measurement, {rounds} interleaved rounds.",
        "",
        "| ratio of requests per second | median | lowest to highest | CPU per request | goal | |",
        "|---|---:|---:|---:|---:|---|",
    ]
    for pair in PAIRS:
        found, cpu = ratios(samples, pair), statistics.median(ratios(samples, pair, "cpu"))
        ratio = statistics.median(found)
        extremes = f"{min(found):.2f} to {max(found):.2f}"
        lines.append(f"| {pair.name} | {ratio:.2f} | {extremes} | {cpu:.2f} × | {verdict(ratio, pair.goal)} |")
    lines += ["", "| case | server | requests/s | p50 ms | p99 ms | CPU s per 1,000 |", "|---|---|---:|---:|---:|---:|"]
    for (case, peer), many in samples.items():
        rate, p50, p99, cpu = (statistics.median(one[name] for one in many) for name in ("rate", "p50", "p99", "cpu"))
        lines.append(f"| {case} | {peer} | {rate:,.0f} | {p50:.1f} | {p99:.1f} | {cpu:.3f} |")
    lines += ["", "| server | memory at the end, MiB |", "|---|---:|"]
    lines += [f"| {name} | {megabytes:.0f} |" for name, megabytes in memory.items() if name not in FLOORS]
    return "\n".join(lines) + "\n"


def main() -> None:
    check_wrk()
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with ExitStack() as stack:
        field = Field(stack)
        samples = measure_all(field, seconds, rounds)
        memory = {name: peer.megabytes() for name, peer in field.peers.items()}
    text = report(samples, memory, seconds, rounds)
    print(text)
    replace_section(DOCS / "benchmarks.md", "results", text)
    goals = [(pair.name, statistics.median(ratios(samples, pair)), pair.goal) for pair in PAIRS]
    figure.draw([goal for goal in goals if goal[2] is not None], DOCS / "benchmarks.svg")


if __name__ == "__main__":
    main()
