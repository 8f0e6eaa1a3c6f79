"""Builds the OpenAPI description: openapi.yaml, completed with what the work module and the settings say."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import yaml

from app.settings import ROOT, Settings, SettingsError
from app.work import Work

FILE = ROOT / "openapi.yaml"
ONLY_IF_ASYNCHRONOUS = ("active", "inactive", "cancelled")
"""The examples that do not apply to a synchronous provider."""


def openapi_document(work: Work, input_schema: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Return the whole description.

    :raises SettingsError: openapi.yaml cannot be read, or lacks a part that is filled in here.
    """
    try:
        document: dict[str, Any] = deepcopy(_openapi_yaml())
        _fill_in(document, work, input_schema, settings)
    except (OSError, ValueError, LookupError, TypeError, yaml.YAMLError) as error:
        raise SettingsError(f"openapi.yaml cannot be used: {' '.join(repr(error).split())}") from error
    return document


@functools.cache
def _openapi_yaml() -> Any:
    return yaml.safe_load(FILE.read_text("utf-8"))


def _fill_in(document: dict[str, Any], work: Work, input_schema: Mapping[str, Any], settings: Settings) -> None:
    info, components, own = document["info"], document["components"], work.description
    info |= {"title": own["title"], "summary": own["subtitle"], "contact": {"email": own["admin_contact"]}}
    info["description"] = f"{own['description']}\n\n{info['description']}"
    components["securitySchemes"]["token"]["description"] += f" Its scope is `{settings.scope}`."
    schemas, examples = components["schemas"], components["examples"]
    schemas["Input"] = _moved(input_schema, "#/components/schemas/Input")
    schemas["Result"] = _moved(work.result_schema, "#/components/schemas/Result")
    for example in ("Run", "RunWithAll"):
        examples[example]["value"]["body"] = dict(work.example_body)
    examples["Succeeded"]["value"]["details"] = dict(work.example_result)
    if work.synchronous:
        _leave_out_incomplete_examples(components)
    if "public" in settings.visible_to:
        document["paths"]["/"]["get"]["security"] = [{}]


def _leave_out_incomplete_examples(components: dict[str, Any]) -> None:
    for response in components["responses"].values():
        shown = response["content"]["application/json"].get("examples", {})
        for name in ONLY_IF_ASYNCHRONOUS:
            shown.pop(name, None)
    for name in ONLY_IF_ASYNCHRONOUS:
        del components["examples"][name.capitalize()]


def _moved(schema: Any, place: str) -> Any:
    """Return the schema as part of the description: references to its own root point to its new place."""
    if isinstance(schema, list):
        return [_moved(item, place) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    moved = {name: _moved(value, place) for name, value in schema.items()}
    reference = moved.get("$ref")
    if isinstance(reference, str) and reference.startswith("#"):
        moved["$ref"] = place + reference.removeprefix("#")
    return moved
