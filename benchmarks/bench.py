"""How fast is it? This provider and its peers side by side, in interleaved rounds of `wrk`, on this machine.

script/bench [seconds a measurement] [rounds]: prints tables, and puts them into docs/benchmarks.md, with a picture.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path

from benchmarks import tail
from benchmarks.field import BARE, GUNICORN, MEMORY, Field
from benchmarks.load import CONNECTIONS, DOCS, Case, check_wrk, measure, replace_section, say

CASES = (
    Case("introspect"),
    Case("run", "POST", unique=True),
    Case("repeat of a run", "POST"),
    Case("status"),
    Case("status, 1,000 users", users=1000),
    Case("status, 10,000 users", users=10_000),
    Case("enumerate, a page of 100"),
    Case("denied (404)"),
    Case("denied (403)", "POST"),
)
GOALS = (
    ("status : bare Flask", "status", MEMORY, "status", BARE, 0.80),
    ("introspect : bare Flask", "introspect", MEMORY, "introspect", BARE, 0.85),
    ("run : bare Flask that parses", "run", MEMORY, "run", BARE, 0.55),
    ("status of 1,000 users : of one", "status, 1,000 users", MEMORY, "status", MEMORY, 0.90),
    ("status of 10,000 users : of one", "status, 10,000 users", MEMORY, "status", MEMORY, None),
    ("status : blueprint on gunicorn", "status", MEMORY, "status", GUNICORN, 2.4),
    ("status of 1,000 users : blueprint", "status, 1,000 users", MEMORY, "status, 1,000 users", GUNICORN, 20),
    ("run : blueprint on gunicorn", "run", MEMORY, "run", GUNICORN, 2),
    ("status on SQLite : in memory", "status", "ours, SQLite", "status", MEMORY, None),
    ("status on PostgreSQL : in memory", "status", "ours, PostgreSQL", "status", MEMORY, 0.35),
)


Results = dict[tuple[str, str], dict[str, float]]


def measure_all(field: Field, seconds: int, rounds: int) -> Results:
    """The medians of all rounds, by case and peer."""
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
    return {
        key: {name: statistics.median(one[name] for one in many) for name in many[0]} for key, many in samples.items()
    }


def report(results: Results, field: Field, seconds: int, rounds: int) -> str:
    memory = {peer.name: peer.megabytes() for peer in field.peers}
    lines = [
        f"Python {platform.python_version()}, {os.cpu_count()} cores, {CONNECTIONS} connections, {seconds} s a"
        f" measurement, medians of {rounds} interleaved rounds. Only the ratios mean something elsewhere.",
        "",
        "| goal | measured | wanted |",
        "|---|---:|---:|",
    ]
    for name, case, ours, other_case, other, goal in GOALS:
        ratio = results[case, ours]["rate"] / results[other_case, other]["rate"]
        lines.append(f"| {name} | {ratio:.2f} | {'' if goal is None else f'≥ {goal}'} |")
    tail = results["status", MEMORY]
    lines.append(f"| p99 : p50, status | {tail['p99'] / tail['p50']:.1f} | ≤ 6 |")
    lines += [
        "",
        "| case | server | requests/s | : bare | p50 ms | p99 ms | CPU s per 1,000 |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for (case, peer), one in results.items():
        bare = results.get((case, BARE))
        to_bare = f"{one['rate'] / bare['rate']:.2f}" if bare else ""
        times = f"{one['p50']:.1f} | {one['p99']:.1f} | {one['cpu']:.3f}"
        lines.append(f"| {case} | {peer} | {one['rate']:,.0f} | {to_bare} | {times} |")
    lines += ["", "| server | memory at the end, MiB |", "|---|---:|"]
    lines += [f"| {name} | {megabytes:.0f} |" for name, megabytes in memory.items()]
    return "\n".join(lines) + "\n"


def draw(results: Results, path: Path) -> None:
    """Requests per second as bars, a group for each case."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot

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
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with ExitStack() as stack:
        field = Field(stack)
        results = measure_all(field, seconds, rounds)
        text = report(results, field, seconds, rounds)
    tails = tail.measure_all(seconds, rounds)
    print(text, tails, sep="\n")
    replace_section(DOCS / "benchmarks.md", "results", text)
    replace_section(DOCS / "benchmarks.md", "tail", tails)
    draw(results, DOCS / "benchmarks.svg")


if __name__ == "__main__":
    main()
