"""Where the interface is written down, and how the rules cite it."""

from __future__ import annotations

API_NAME = "Globus Actions API"
API_URL = "https://github.com/globus/action-provider-tools/blob/main/actions_spec.openapi.yaml (version 2024-03-14.1)"
GUIDE_NAME = "Action Provider Interface"
GUIDE_URL = "https://action-provider-tools.readthedocs.io/en/latest/action_provider_interface.html"


def api(*where: str) -> str:
    """Return a place in the OpenAPI description: api("POST /run", "response 202")."""
    return ", ".join((API_NAME, *where))


def guide(section: str, *where: str) -> str:
    """Return a place in the published text on the interface."""
    return ", ".join((GUIDE_NAME, f"“{section}”", *where))
