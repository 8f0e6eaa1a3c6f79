"""Builds the introspection document: what this provider is, who may use it, and what input it takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.action.record import duration_isoformat
from app.settings import Settings
from app.work import Work


def introspection_document(work: Work, input_schema: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Return the document in the form that the Action Provider interface 1.0 calls ProviderDescription."""
    return {
        "api_version": "1.0",
        "types": ["Action"],
        **work.description,
        "globus_auth_scope": settings.scope,
        "visible_to": settings.visible_to,
        "runnable_by": settings.runnable_by,
        "synchronous": work.synchronous,
        "log_supported": True,
        "maximum_deadline": duration_isoformat(settings.maximum_deadline),
        "input_schema": input_schema,
    }
