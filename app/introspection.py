"""The introspection document: what this provider is, who may use it, and what it takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.action import duration_isoformat


def describe(
    description: Mapping[str, Any], input_schema: Mapping[str, Any], settings: Mapping[str, Any]
) -> dict[str, Any]:
    """The document, of the form that the Action Provider interface 1.0 calls ProviderDescription."""
    return {
        "api_version": "1.0",
        "types": ["Action"],
        **description,
        "globus_auth_scope": settings["SCOPE"],
        "visible_to": settings["VISIBLE_TO"],
        "runnable_by": settings["RUNNABLE_BY"],
        "synchronous": False,
        "log_supported": True,
        "maximum_deadline": duration_isoformat(settings["MAXIMUM_DEADLINE"]),
        "input_schema": input_schema,
    }
