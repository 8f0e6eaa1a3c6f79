"""How fast is it? This provider, its limits, and its peers side by side, in interleaved rounds of `wrk`.

script/bench [seconds a measurement] [rounds]: prints tables, and puts them into docs/benchmarks.md, with a picture.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from app.limiter import THREADS
from benchmarks import tail
from benchmarks.field import (
    BARE,
    GUNICORN,
    MEMORY,
    POSTGRESQL,
    POSTGRESQL_FLOOR,
    SQLITE,
    SQLITE_FLOOR,
    TWO_WORKERS,
    Field,
)
from benchmarks.load import CONNECTIONS, DOCS, Case, check_wrk, measure, replace_section, say

CASES = (
    Case("status"),
    Case("run", "POST", unique=True),
    Case("page of 100"),
    Case("repeat of a run", "POST"),
    Case("denied (404)"),
    Case("status, 1,000 users", users=1000),
    Case("status, 10,000 users", users=10_000),
    Case("introspect"),
)


@dataclass(frozen=True)
class Goal:
    """A ratio of two rates, measured in the same round."""

    name: str
    case: str
    peer: str
    other_case: str
    other: str
    least: float | None


GOALS = (
    Goal("status on PostgreSQL : bare Flask and psycopg", "status", POSTGRESQL, "status", POSTGRESQL_FLOOR, 0.65),
    Goal("run on PostgreSQL : bare Flask and psycopg", "run", POSTGRESQL, "run", POSTGRESQL_FLOOR, 0.6),
    Goal(
        "page on PostgreSQL : bare Flask and psycopg", "page of 100", POSTGRESQL, "page of 100", POSTGRESQL_FLOOR, 0.5
    ),
    Goal("status on SQLite : bare Flask and sqlite3", "status", SQLITE, "status", SQLITE_FLOOR, 0.65),
    Goal("run on SQLite : bare Flask and sqlite3", "run", SQLITE, "run", SQLITE_FLOOR, 0.6),
    Goal("page on SQLite : bare Flask and sqlite3", "page of 100", SQLITE, "page of 100", SQLITE_FLOOR, 0.5),
    Goal("two workers : one, status on PostgreSQL", "status", TWO_WORKERS, "status", POSTGRESQL, 1.7),
    Goal("status in memory : bare Flask", "status", MEMORY, "status", BARE, 0.8),
    Goal("run in memory : bare Flask that parses", "run", MEMORY, "run", BARE, 0.5),
    Goal("introspect : bare Flask", "introspect", MEMORY, "introspect", BARE, 0.85),
    Goal("status of 1,000 users : of one, in memory", "status, 1,000 users", MEMORY, "status", MEMORY, 0.9),
    Goal("status of 10,000 users : of one, in memory", "status, 10,000 users", MEMORY, "status", MEMORY, None),
    Goal("status in memory : blueprint on gunicorn", "status", MEMORY, "status", GUNICORN, 2.4),
    Goal("status on PostgreSQL : blueprint on gunicorn, in memory", "status", POSTGRESQL, "status", GUNICORN, None),
    Goal(
        "status of 1,000 users : blueprint on gunicorn",
        "status, 1,000 users",
        MEMORY,
        "status, 1,000 users",
        GUNICORN,
        20,
    ),
    Goal("run in memory : blueprint on gunicorn", "run", MEMORY, "run", GUNICORN, 2),
)

Samples = dict[tuple[str, str], list[dict[str, float]]]


def measure_all(field: Field, seconds: int, rounds: int) -> Samples:
    """Return all measurements, by case and peer, one for each round."""
    files = {}
    for peer in field.peers:
        say(f"preparing {peer.name}")
        files[peer.name] = field.prepare(peer)
    samples = defaultdict(list)
    for number in range(rounds):
        for case in CASES:
            for peer in field.peers:
                if case.name in files[peer.name]:
                    say(f"round {number + 1} of {rounds}: {case.name}, {peer.name}")
                    samples[case.name, peer.name].append(measure(peer, case, files[peer.name][case.name], seconds))
    say("")
    return samples


def ratio(samples: Samples, goal: Goal) -> float:
    """Return the median of the ratios of all rounds."""
    pairs = zip(samples[goal.case, goal.peer], samples[goal.other_case, goal.other], strict=True)
    return statistics.median(one["rate"] / other["rate"] for one, other in pairs)


def goal_row(samples: Samples, goal: Goal) -> str:
    measured = ratio(samples, goal)
    missed = goal.least is not None and measured < goal.least
    wanted = "" if goal.least is None else f"≥ {goal.least}"
    return f"| {goal.name} | {measured:.2f} | {wanted} | {'**missed**' if missed else ''} |"


def medians(many: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(one[name] for one in many) for name in many[0]}


def report(samples: Samples, field: Field, seconds: int, rounds: int) -> str:
    memory = {peer.name: peer.megabytes() for peer in field.peers}
    lines = [
        f"Python {platform.python_version()}, {os.cpu_count()} cores, {CONNECTIONS} connections, {THREADS} threads,"
        f" {seconds} s per measurement, {rounds} interleaved rounds. Ratios are medians of the rounds' own ratios; load"
        f" of the machine at the end: {os.getloadavg()[1]:.1f}.",
        "",
        "| requests per second | measured | goal | |",
        "|---|---:|---:|---|",
        *(goal_row(samples, goal) for goal in GOALS),
        "",
        "| case | server | requests/s | p50 ms | p99 ms | CPU s per 1,000 |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for (case, peer), many in samples.items():
        one = medians(many)
        times = f"{one['p50']:.1f} | {one['p99']:.1f} | {one['cpu']:.3f}"
        lines.append(f"| {case} | {peer} | {one['rate']:,.0f} | {times} |")
    lines += ["", "| server | memory at the end, MiB |", "|---|---:|"]
    lines += [f"| {name} | {megabytes:.0f} |" for name, megabytes in memory.items()]
    return "\n".join(lines) + "\n"


def draw(samples: Samples, path: Path) -> None:
    """Draw requests per second as bars, a group for each case."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot

    results = {key: medians(many) for key, many in samples.items()}
    peers = list(dict.fromkeys(peer for _, peer in results))
    cases = list(dict.fromkeys(case for case, _ in results))
    figure, axes = pyplot.subplots(figsize=(11, 6))
    for index, peer in enumerate(peers):
        places = [number + index / (len(peers) + 1) for number in range(len(cases))]
        axes.bar(
            places, [results.get((case, peer), {}).get("rate", 0) for case in cases], 1 / (len(peers) + 1), label=peer
        )
    axes.set_xticks([number + 0.4 for number in range(len(cases))], [case.replace(", ", ",\n") for case in cases])
    axes.set_ylabel("requests per second")
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    check_wrk()
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with ExitStack() as stack:
        field = Field(stack)
        samples = measure_all(field, seconds, rounds)
        text = report(samples, field, seconds, rounds)
    tails = tail.measure_all(seconds, rounds)
    print(text, tails, sep="\n")
    replace_section(DOCS / "benchmarks.md", "results", text)
    replace_section(DOCS / "benchmarks.md", "tail", tails)
    draw(samples, DOCS / "benchmarks.svg")


if __name__ == "__main__":
    main()
