"""The log file of a run, and next to it the state needed to continue the run."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .definition import Definition
from .run import Position
from .source import from_data


class JournalError(ValueError):
    """Raised when a log file cannot be used."""


@dataclass
class Journal:
    """Writes each entry of the log as a line of JSON.

    A second file, named like the log with ``.state`` appended, holds the whole state of the run, including private
    values and tokens. Only its owner can read it. It is deleted when the run ends.
    """

    path: Path
    definition: Definition
    options: dict[str, Any] = field(default_factory=dict)
    """The options of the command, for continuing the run."""
    position: Position | None = None

    @property
    def state_path(self) -> Path:
        """The file that holds the state of the run."""
        return _state_path(self.path)

    @classmethod
    def start(cls, path: Path, definition: Definition, options: Mapping[str, Any]) -> Journal:
        """Start a new log, replacing an old one.

        :raises JournalError: the old one belongs to a run that has not ended.
        """
        journal = cls(path, definition, dict(options))
        if journal.state_path.exists():
            raise JournalError(
                f"{path} is the log of a run that has not ended: continue it with --continue {path}, or delete "
                f"{journal.state_path}."
            )
        path.write_text("", encoding="utf-8")
        return journal

    @classmethod
    def open(cls, path: Path) -> Journal:
        """Open the log of an interrupted run.

        :raises JournalError: there is nothing to continue.
        """
        try:
            saved = json.loads(_state_path(path).read_text("utf-8"))
            position = Position(**saved["position"])
            return cls(path, Definition(from_data(saved["definition"])), dict(saved["options"]), position)
        except FileNotFoundError as error:
            raise JournalError(
                f"There is no {_state_path(path)}: the run has ended, or was started without --log."
            ) from error
        except (ValueError, TypeError, KeyError) as error:
            raise JournalError(f"{_state_path(path)} cannot be read: {error}") from error

    def write(self, entry: Mapping[str, Any]) -> None:
        """Add an entry; at the end of the run, delete the state file."""
        with self.path.open("a", encoding="utf-8", errors="backslashreplace") as file:  # as JSON escapes it, too
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")
        if entry["code"] in ("FlowSucceeded", "FlowFailed", "FlowCanceled"):
            self.state_path.unlink(missing_ok=True)

    def save(self, position: Position) -> None:
        """Store the position, so that a process killed at any time leaves a complete file."""
        saved = f'{{"options": {json.dumps(self.options)}, "definition": {self._definition_text}, '
        saved += f'"position": {position.as_json()}}}'
        temporary = self.state_path.with_name(f"{self.state_path.name}.new")
        temporary.unlink(missing_ok=True)
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(saved)
        temporary.replace(self.state_path)

    def __post_init__(self) -> None:
        self._definition_text = json.dumps(self.definition.data)


def _state_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.state")
