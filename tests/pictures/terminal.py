"""Records what a person sees in a terminal."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pexpect

from client.console import ERASE_LINE
from tests.processes import ROOT, clean_environment

COLUMNS = 80
ROWS = 40
PROMPT = "$ "
LONGEST_SECONDS = 60


@dataclass(frozen=True)
class Screen:
    """The text of a terminal, with its color codes, from this moment on."""

    seconds: float
    text: str


def record(command: str, environment: Mapping[str, str], home: Path) -> list[Screen]:
    """Type the command at a shell's prompt, and return each screen until the prompt is back.

    :param home: an empty folder, which gets a `globus-action` that runs this repository's client.
    """
    program = home / "globus-action"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m client "$@"\n', encoding="utf-8")
    program.chmod(0o700)
    variables = {"PS1": PROMPT, "HOME": str(home), "TERM": "xterm", "PYTHONPATH": str(ROOT), **environment}
    path = {"PATH": f"{home}:{clean_environment()['PATH']}"}
    shell = pexpect.spawn(
        "sh", ["-i"], env=clean_environment(**variables, **path), dimensions=(ROWS, COLUMNS), encoding="utf-8"
    )
    shell.expect_exact(PROMPT)
    shell.sendline(command)
    began = time.monotonic()
    written, screens = PROMPT, [Screen(0, PROMPT)]
    while not written.endswith(f"\r\n{PROMPT}"):
        written += shell.read_nonblocking(4096, timeout=LONGEST_SECONDS)
        screens.append(Screen(time.monotonic() - began, visible(written)))
    shell.close()
    return screens


def visible(written: str) -> str:
    """Return what a terminal shows of the text written to it: not what was erased."""
    return re.sub(f"[^\n]*{re.escape(ERASE_LINE)}", "", written).replace("\r\n", "\n")
