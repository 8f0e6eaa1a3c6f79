"""Check, draw, run, and test Globus flow definitions on this machine.

This is a tool for development. It does what the Globus Flows service is known to do; docs/flows.md lists what is
unknown, and what was chosen instead.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .check import check as check
    from .clock import ManualClock as ManualClock
    from .clock import SystemClock as SystemClock
    from .definition import Definition as Definition
    from .errors import DefinitionError as DefinitionError
    from .errors import Finding as Finding
    from .errors import FlowError as FlowError
    from .errors import ProviderError as ProviderError
    from .observer import Observer as Observer
    from .providers import Provider as Provider
    from .run import Position as Position
    from .run import Run as Run
    from .runner import FlowRunner as FlowRunner
    from .stub import Failure as Failure
    from .stub import StubProvider as StubProvider

_MODULES = {
    "ManualClock": "clock",
    "SystemClock": "clock",
    "Definition": "definition",
    "DefinitionError": "errors",
    "Finding": "errors",
    "FlowError": "errors",
    "ProviderError": "errors",
    "Observer": "observer",
    "Failure": "stub",
    "Provider": "providers",
    "StubProvider": "stub",
    "Position": "run",
    "Run": "run",
    "FlowRunner": "runner",
}
__all__ = sorted(_MODULES)  # noqa: PLE0605 # a list of strings, though not written out


def __getattr__(name: str) -> Any:
    """Import a name when it is first used, so that the other commands start without this package."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_MODULES[name]}", __name__), name)
