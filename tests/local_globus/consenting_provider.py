"""A small Action Provider whose actions wait until their owner consents to a dependent scope."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import globus_sdk
from flask import Flask, request

from tests.conformance.example_provider import serving

DETAILS: dict[str, Any] = {"code": "ConsentRequired", "description": "Consent is missing."}


@dataclass
class ConsentingProvider:
    """Runs actions that need a dependent token; without consent they are INACTIVE until `resume`."""

    client: globus_sdk.ConfidentialAppAuthClient
    scope: str
    dependent_scope: str
    actions: dict[str, dict[str, Any]] = field(default_factory=dict)

    def application(self) -> Flask:
        app = Flask(__name__)
        app.add_url_rule("/", view_func=lambda: {"globus_auth_scope": self.scope, "input_schema": {}})
        app.add_url_rule("/run", view_func=self.run, methods=["POST"])
        app.add_url_rule("/<action_id>/status", view_func=self.status)
        app.add_url_rule("/<action_id>/resume", view_func=self.resume, methods=["POST"])
        return app

    def run(self) -> Any:
        action_id = str(uuid.uuid4())
        self.actions[action_id] = {"action_id": action_id, **self.outcome()}
        return self.actions[action_id], 202

    def status(self, action_id: str) -> Any:
        return self.actions[action_id]

    def resume(self, action_id: str) -> Any:
        self.actions[action_id] |= self.outcome()
        return self.actions[action_id]

    def outcome(self) -> dict[str, Any]:
        """Return how an action continues for the caller of the current request."""
        token = str(request.authorization.token if request.authorization else "")
        try:
            issued = self.client.oauth2_get_dependent_tokens(token, scope=self.dependent_scope)
        except globus_sdk.AuthAPIError as error:
            if error.http_status != 403:
                raise
            return {"status": "INACTIVE", "details": DETAILS | {"required_scope": self.required_scope}}
        return {"status": "SUCCEEDED", "details": {"scope": next(iter(issued.by_scopes))}}

    @property
    def required_scope(self) -> str:
        return f"{self.scope}[{self.dependent_scope}]"


@contextmanager
def consenting_provider(
    client: globus_sdk.ConfidentialAppAuthClient, scope: str, dependent_scope: str
) -> Iterator[tuple[str, ConsentingProvider]]:
    """Serve such a provider, and yield its URL."""
    provider = ConsentingProvider(client, scope, dependent_scope)
    with serving(provider.application()) as url:
        yield url, provider
