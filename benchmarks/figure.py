"""Draws the figure of docs/benchmarks.md: each ratio as a bar, with its goal as a mark."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def draw(goals: Sequence[tuple[str, float, float | None]], path: Path) -> None:
    """Draw the ratios: name, median, and goal of each."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(10, 5))
    names, measured, wanted = zip(*reversed(goals), strict=True)
    colors = ["tab:green" if ratio >= goal else "tab:red" for ratio, goal in zip(measured, wanted, strict=True)]
    axes.barh(names, measured, color=colors)
    axes.scatter(wanted, names, marker="|", s=400, color="black", zorder=2)
    axes.set_xlabel("ratio of requests per second; black mark: goal; red: missed")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
