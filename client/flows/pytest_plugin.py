"""The fixture `flow_runner` for pytest: runs flows instantly, with a clock that the test moves.

If globus-action is installed, pytest finds it by itself. Otherwise, import `flow_runner` in conftest.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .definition import Definition
    from .providers import Provider, ProviderFactory
    from .runner import FlowRunner


class FlowRunners:
    """Makes runners that share one clock. Call it with the arguments of FlowRunner."""

    def __init__(self) -> None:
        from .clock import ManualClock

        self.clock = ManualClock()
        """The clock of all runs. ``advance(hours=10)`` moves it; waiting states also move it."""

    def __call__(
        self,
        definition: Definition | Mapping[str, Any] | Path | str,
        providers: Mapping[str, Provider] | ProviderFactory | None = None,
        **options: Any,
    ) -> FlowRunner:
        """Return a runner for a definition.

        :param providers: for each URL in the definition a StubProvider, or another provider; ``"*"`` for all others.
        """
        from .runner import FlowRunner

        return FlowRunner(definition, providers, **{"clock": self.clock, **options})


@pytest.fixture
def flow_runner() -> FlowRunners:
    """Run flows with stub providers: ``flow_runner("flow.json", {"*": StubProvider()}).run({"n": 1})``."""
    return FlowRunners()
