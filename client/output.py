"""Write to stdout: documents as JSON or YAML, or a page for people."""

from __future__ import annotations

import json
import os
import re
import sys
from typing import Any

import yaml

from .console import HIDDEN, printable

_ESCAPED = re.compile(f"[\x7f-\x9f{HIDDEN}]")


def as_json(document: Any) -> str:
    """Return JSON, indented by two spaces, with control characters and characters that reorder text escaped."""
    text = json.dumps(document, indent=2, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(document, indent=2)
    return _ESCAPED.sub(lambda found: json.dumps(found[0])[1:-1], text)


def as_yaml(document: Any) -> str:
    """Return YAML, with control characters and characters that reorder text escaped."""
    unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=unicode)
    if _ESCAPED.search(text):
        text = yaml.safe_dump(document, sort_keys=False, allow_unicode=False)
    return text.removesuffix("\n")


def write(text: str) -> None:
    """Write printable text to stdout and flush. A closed pipe (as with `| head`) is not an error."""
    try:
        sys.stdout.write(printable(f"{text}\n") if text else "")
        sys.stdout.flush()
    except BrokenPipeError:
        # so that Python does not try again when it exits
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
