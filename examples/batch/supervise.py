"""Runs a program, and kills it with all its children when standard input closes: when the worker stops or dies.

    python supervise.py PROGRAM ARGUMENT…

Killing a process does not kill its children. This process notices the worker's death by a pipe that closes with it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress


def main(command: list[str]) -> int:
    """Run the program. Return its exit code, 128 + N if signal N ended it."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)  # noqa: S603  # the worker chose it
    threading.Thread(target=_kill_at_end_of_input, args=(process.pid,), daemon=True).start()
    code = process.wait()
    _kill(process.pid)  # children that it left behind
    return code if code >= 0 else 128 - code


def _kill_at_end_of_input(group: int) -> None:
    os.read(sys.stdin.fileno(), 1)
    _kill(group)


def _kill(group: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
