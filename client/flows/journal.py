"""The log file of a run, and beside it what is needed to continue the run."""

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

    The file with the name of the log and ``.state`` behind it holds the whole state of the run, private values and
    tokens in it included; only its owner may read it. It is deleted when the run ends.
    """

    path: Path
    definition: Definition
    options: dict[str, Any] = field(default_factory=dict)
    """What the command was told, for when the run continues."""
    position: Position | None = None

    @property
    def state_path(self) -> Path:
        """Where the state of the run is."""
        return _state_path(self.path)

    @classmethod
    def start(cls, path: Path, definition: Definition, options: Mapping[str, Any]) -> Journal:
        """A new log, in the place of an old one.

        :raises JournalError: the old one is of a run that has not ended.
        """
        journal = cls(path, definition, dict(options))
        if journal.state_path.exists():
            raise JournalError(
                f"{path} is the log of a run that has not ended: continue it by --continue {path}, or delete "
                f"{journal.state_path}."
            )
        path.write_text("", encoding="utf-8")
        return journal

    @classmethod
    def open(cls, path: Path) -> Journal:
        """The log of a run that was cut off.

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
        """Add an entry; at the end of the run, delete what is not needed any more."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")
        if entry["code"] in ("FlowSucceeded", "FlowFailed", "FlowCanceled"):
            self.state_path.unlink(missing_ok=True)

    def save(self, position: Position) -> None:
        """Store where the run is, so that a process that is killed at any time leaves a whole file."""
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
