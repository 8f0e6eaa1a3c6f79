"""Makes plain `pytest` as fast as script/test: without arguments, it runs four tests at once."""

from __future__ import annotations

import os

import pytest

PROCESSES = 4
WORKER = "PYTEST_XDIST_WORKER"
"""Set by pytest-xdist in its workers, which must not start workers again, nor must what their tests start."""


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads its option
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Set pytest-xdist's -n for the whole suite, unless -n or --pdb was given or pytest-xdist is not installed."""
    if WORKER in os.environ or config.option.usepdb:
        return
    runs_all = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    if runs_all and getattr(config.option, "numprocesses", 0) is None:
        config.option.numprocesses = PROCESSES
