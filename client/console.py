"""Write to a person on stderr: sentences, and one live line that is redrawn."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
from collections.abc import Iterator

import click

SHORTEST_SECRET = 8
"""In characters. Shorter text can be part of any word, and real tokens are longer."""

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
HIDDEN = "\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f"
"""Invisible characters, including those that reorder text, as a range for a regular expression."""
_HIDDEN = re.compile(f"[{HIDDEN}]")
ERASE_LINE = "\r\x1b[K"


def printable(text: str) -> str:
    """Return `text` without control characters or characters that reorder text: it may come from anywhere."""
    return _HIDDEN.sub("", CONTROL.sub("", text))


def one_line(text: str) -> str:
    """Return `text` as a single printable line, so that a provider cannot imitate this program's lines."""
    return printable(" ".join(text.split()))


def shorten(text: str, width: int = 300) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


class Console:
    """Writes to stderr, and never writes a secret that it knows."""

    def __init__(self) -> None:
        self.verbose = False
        self._secrets: set[str] = set()
        self._live = ""
        self.is_watching = False

    @property
    def has_terminal(self) -> bool:
        """Whether a line can be redrawn."""
        return sys.stderr.isatty() and os.environ.get("TERM", "") != "dumb"

    @property
    def can_ask(self) -> bool:
        """Whether a person is there to answer a question."""
        return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()

    def keep_secret(self, text: str) -> None:
        if len(text) >= SHORTEST_SECRET:
            self._secrets.add(text)

    def hide(self, text: str) -> str:
        """Return `text` without secrets, after removing unprintable characters, which may be within one."""
        text = printable(text)
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text

    def brief(self, text: str) -> str:
        """Return `text` in one line, shortened; secrets are hidden first, because a part of one would not be found."""
        return shorten(self.hide(one_line(text)))

    def ask(self, question: str) -> str:
        """Return what the person types; "" for a bare Enter.

        :raises click.Abort: the input ended, or Ctrl-C.
        """
        with contextlib.redirect_stdout(sys.stderr):  # older releases of click write a space to stdout
            answer = click.prompt(self.hide(question), default="", show_default=False, err=True)
        return str(answer).strip()

    def say(self, text: str, *, fg: str | None = None, bold: bool = False) -> None:
        """Write a sentence on its own line."""
        live, self._live = self._live, ""
        click.echo(ERASE_LINE * bool(live) + self._styled(self.hide(text), fg, bold), err=True)
        if live:
            self.live(live)

    def details(self, text: str) -> None:
        """Write a sentence if --verbose was given."""
        if self.verbose:
            self.say(text)

    def live(self, text: str) -> None:
        """Replace the live line with `text`."""
        width = shutil.get_terminal_size().columns - 1
        text = self.hide(text)[: max(width, 1)]
        if text != self._live:
            self._live = text
            click.echo(ERASE_LINE + text, err=True, nl=False)

    @contextlib.contextmanager
    def live_line(self) -> Iterator[None]:
        """Allow a live line inside the `with` block, and erase it afterwards."""
        self.is_watching = True
        try:
            yield
        finally:
            self.is_watching = False
            if self._live:
                click.echo(ERASE_LINE, err=True, nl=False)
            self._live = ""

    @staticmethod
    def _styled(text: str, fg: str | None, bold: bool) -> str:
        if os.environ.get("NO_COLOR") or not (fg or bold):
            return text
        return click.style(text, fg=fg, bold=bold or None)
