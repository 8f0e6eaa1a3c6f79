"""The running stand-in, as globus-sdk finds it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import globus_sdk
import pytest

from local_globus.directory import CLIENT_SECRET, PROVIDER_CLIENT_ID
from local_globus.registry import Registry, register
from local_globus.server import RunningGlobus, start_globus
from local_globus.web import create_globus

Start = Callable[[Registry], RunningGlobus]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts a stand-in with these clients and scopes, and points globus-sdk at it."""

    def start_here(registry: Registry) -> RunningGlobus:
        running = start_globus(create_globus(registry=registry))
        stack.callback(running.stop)
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        return running

    with ExitStack() as stack:
        yield start_here


@pytest.fixture
def running(start: Start) -> RunningGlobus:
    return start(register())


@pytest.fixture
def provider(running: RunningGlobus) -> globus_sdk.ConfidentialAppAuthClient:
    return globus_sdk.ConfidentialAppAuthClient(PROVIDER_CLIENT_ID, CLIENT_SECRET)
