"""Format pages for people: a provider's description, a list of actions, a log."""

from __future__ import annotations

import json
import shlex
import shutil
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC
from typing import Any

from .console import one_line, printable
from .polling import read_time
from .principal import in_words
from .schema import MOST_FIELDS, SchemaError, example, fields, read_schema

WIDEST = 100
WIDEST_COLUMN = 44


def provider_page(document: Mapping[str, Any], *, run_command: str) -> str:
    """Return a page about the provider, who may use it, and its input.

    :param run_command: the command that runs an action, up to the body.
    """
    head = [one_line(str(document[name])) for name in ("title", "subtitle") if document.get(name)]
    description = textwrap.wrap(str(document.get("description") or ""), width())
    parts = [head, description, _facts(document), *_input(document, run_command)]
    return printable("\n\n".join("\n".join(part) for part in parts if part))


def actions_table(actions: Sequence[Mapping[str, Any]]) -> str:
    """Return a table with a row for each action."""
    rows = [
        [str(action.get(name) or "") for name in ("action_id", "status", "start_time", "label", "display_status")]
        for action in actions
    ]
    for row in rows:
        row[2] = _when(row[2])
        row[4] = "" if row[4] == row[1] else row[4]
    return printable("\n".join(_table(["ACTION", "STATUS", "STARTED", "LABEL", ""], rows)))


def log_table(entries: Iterable[Mapping[str, Any]]) -> str:
    """Return a table with a row for each log entry."""
    rows = [[_when(entry.get("time")), str(entry.get("code") or ""), _entry_text(entry)] for entry in entries]
    return printable("\n".join(_table(["TIME", "WHAT", ""], rows)))


def _when(value: Any) -> str:
    """Return a time in UTC, to the second; text that is not a time is returned unchanged."""
    time = read_time(value)
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if time else str(value or "")


def _entry_text(entry: Mapping[str, Any]) -> str:
    details = entry.get("details")
    parts = [str(entry.get("description") or ""), json.dumps(details, ensure_ascii=False) if details else ""]
    return " ".join(filter(None, parts))


def width() -> int:
    return min(shutil.get_terminal_size().columns, WIDEST)


def _facts(document: Mapping[str, Any]) -> list[str]:
    facts = {
        "Run by": _principals(document.get("runnable_by")),
        "Seen by": _principals(document.get("visible_to")),
        "Contact": document.get("admin_contact"),
        "Scope": document.get("globus_auth_scope"),
        "Synchronous": "yes: each action is complete right away"
        if document.get("synchronous")
        else "no: --watch waits for the end",
        "Keeps a log": "yes" if document.get("log_supported") else "no",
        "Deadline": f"{document['maximum_deadline']} at most" if document.get("maximum_deadline") else None,
    }
    return [f"{name + ':':<14}{one_line(str(value))}" for name, value in facts.items() if value]


def _principals(listed: Any) -> str:
    return "; ".join(in_words(str(principal)) for principal in listed) if isinstance(listed, list) else ""


def _input(document: Mapping[str, Any], run_command: str) -> Iterator[list[str]]:
    try:
        schema = read_schema(document)
        listed = fields(schema)
        body = example(schema)
    except (SchemaError, TypeError, AttributeError) as error:
        yield [f"Input: unknown ({error})."]
        return
    rows = [[f"{field.name}{'*' * field.required}", field.type, field.limits, field.meaning] for field in listed]
    if rows:
        yield ["Input (* required):", *_table(["FIELD", "TYPE", "LIMITS", "MEANING"], rows)]
        if len(rows) == MOST_FIELDS:
            yield ["There may be more fields: --format json shows all of them."]
    else:
        yield ["Input: the schema has no fields; --format json shows it."]
    given = f"--body {shlex.quote(json.dumps(body, ensure_ascii=False))}" if body is not None else "--interactive"
    yield ["Try it:", f"  {run_command} {given} --watch"]


def _table(titles: list[str], rows: list[list[str]]) -> list[str]:
    """Return rows as aligned columns; the last column is wrapped to the width that is left."""
    used = [column for column in range(len(titles)) if any(row[column] for row in rows)]
    if not used:
        return []
    table = [[one_line(line[column]) for column in used] for line in [titles, *rows]]
    sizes = [max(len(line[column]) for line in table) for column in range(len(used) - 1)]
    sizes[1:] = [min(size, WIDEST_COLUMN) for size in sizes[1:]]  # the first holds what is to be copied
    left = sum(sizes) + 2 * len(sizes)
    return [text for line in table for text in _row(line, sizes, max(width() - left, 20))]


def _row(cells: list[str], sizes: list[int], last: int) -> Iterator[str]:
    wrapped = [textwrap.wrap(cell, size) or [""] for cell, size in zip(cells, [*sizes, last], strict=True)]
    for number in range(max(map(len, wrapped))):
        parts = [lines[number] if number < len(lines) else "" for lines in wrapped]
        yield "  ".join([part.ljust(size) for part, size in zip(parts, [*sizes, 0], strict=True)]).rstrip()
