"""Makes plain `pytest` as fast as script/test: without arguments, it runs four tests at once.

Each process gets a part of the files, and takes tests from the others only when it is done. So a server that the tests
of a file share is started once, not in each process.
"""

from __future__ import annotations

import os

import pytest

PROCESSES = 4
WORKER = "PYTEST_XDIST_WORKER"
"""Set by pytest-xdist in its workers, which must not start workers again, nor must what their tests start."""


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads its option
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Set -n of pytest-xdist for the whole suite, unless -n or --pdb was given or pytest-xdist is not installed.

    Set its --dist wherever it is not given.
    """
    if WORKER in os.environ or config.option.usepdb:
        return
    runs_all = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    if runs_all and getattr(config.option, "numprocesses", 0) is None:
        config.option.numprocesses = PROCESSES
    if getattr(config.option, "numprocesses", 0) and config.option.dist == "no":
        config.option.dist = "worksteal"
