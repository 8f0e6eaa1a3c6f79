"""What is written on stdout: documents, as JSON or YAML, or a page for people."""

from __future__ import annotations

import json
import os
import re
import sys
from typing import Any

import yaml

_NOT_SHOWN_AS_SUCH = re.compile("[\x7f-\x9f\u2028\u2029]")


def as_json(document: Any) -> str:
    """JSON with two blanks a level, free of what a terminal would obey."""
    text = json.dumps(document, indent=2, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(document, indent=2)
    return _NOT_SHOWN_AS_SUCH.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def as_yaml(document: Any) -> str:
    unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=unicode)
    return text.removesuffix("\n")


def write(text: str) -> None:
    """Write to stdout, at once. Where nobody reads any more (as behind `| head`), that is no error."""
    try:
        sys.stdout.write(f"{text}\n" if text else "")
        sys.stdout.flush()
    except BrokenPipeError:
        # so that Python does not try again at its exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
