"""The one place that uses the rest of the client; everything else in this package stands alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..schema import SchemaError, problems


def schema_problems(schema: Mapping[str, Any], data: Any) -> list[str]:
    """What is wrong with `data` by a JSON Schema, a sentence each."""
    try:
        return problems(schema, data)
    except SchemaError as error:
        return [f"The schema cannot be used: {error}."]
