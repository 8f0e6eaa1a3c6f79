"""The OpenAPI description of this provider: openapi.yaml, completed by what the provider's own modules say."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import yaml

from app import settings, whattime
from app.settings import SettingsError

FILE = settings.ROOT / "openapi.yaml"
INPUT = "#/components/schemas/Input"


def openapi_document(input_schema: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """The whole description.

    :raises SettingsError: openapi.yaml cannot be read, or lacks what is filled in here.
    """
    try:
        document: dict[str, Any] = deepcopy(_openapi_yaml())
        _fill_in(document, input_schema, config)
    except (OSError, ValueError, LookupError, TypeError, yaml.YAMLError) as error:
        raise SettingsError(f"openapi.yaml cannot be used: {' '.join(repr(error).split())}") from error
    return document


@functools.cache
def _openapi_yaml() -> Any:
    return yaml.safe_load(FILE.read_text("utf-8"))


def _fill_in(document: dict[str, Any], input_schema: Mapping[str, Any], config: Mapping[str, Any]) -> None:
    info, components, own = document["info"], document["components"], whattime.DESCRIPTION
    info |= {"title": own["title"], "summary": own["subtitle"], "contact": {"email": own["admin_contact"]}}
    info["description"] = f"{own['description']}\n\n{info['description']}"
    components["securitySchemes"]["token"]["description"] += f" Its scope is `{config['SCOPE']}`."
    components["schemas"]["Input"] = _moved(input_schema)
    for example in ("Run", "RunWithAll"):
        components["examples"][example]["value"]["body"] = whattime.EXAMPLE_BODY
    if "public" in config["VISIBLE_TO"]:
        document["paths"]["/"]["get"]["security"] = [{}]


def _moved(schema: Any) -> Any:
    """The schema as it reads within the description: what refers to its own root refers to its new place."""
    if isinstance(schema, list):
        return [_moved(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    moved = {name: _moved(value) for name, value in schema.items()}
    reference = moved.get("$ref")
    if isinstance(reference, str) and reference.startswith("#"):
        moved["$ref"] = INPUT + reference.removeprefix("#")
    return moved
