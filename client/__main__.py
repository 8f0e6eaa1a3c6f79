"""Start the command line: `python -m client`, and the installed `globus-action`."""

from __future__ import annotations

import os
import signal
from typing import Any

INTERRUPTED = 130


def main() -> None:
    """Load the command line, which takes a third of a second, and run it. Ctrl-C ends the program quietly even then."""
    previous = signal.signal(signal.SIGINT, _leave)
    from .cli import main as run

    run(before=lambda: signal.signal(signal.SIGINT, previous))


def _leave(_signal: int, _frame: Any) -> None:
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    main()
