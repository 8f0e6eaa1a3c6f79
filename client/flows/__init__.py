"""Check, draw, run and test Globus flow definitions on this machine.

It is a tool for development. It does what the Globus Flows service is known to do; docs/flows.md lists what is not
known, and what was chosen.
"""

from __future__ import annotations

from .clock import ManualClock, SystemClock
from .definition import Definition
from .errors import DefinitionError, Finding, FlowError, ProviderError
from .observer import Observer
from .providers import Failure, Provider, StubProvider
from .run import Position, Run
from .runner import FlowRunner

__all__ = [
    "Definition",
    "DefinitionError",
    "Failure",
    "Finding",
    "FlowError",
    "FlowRunner",
    "ManualClock",
    "Observer",
    "Position",
    "Provider",
    "ProviderError",
    "Run",
    "StubProvider",
    "SystemClock",
]
