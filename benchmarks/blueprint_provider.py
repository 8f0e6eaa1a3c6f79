"""A peer: the toolkit's own blueprint, with an action that is started, kept in a dict, and read."""

from __future__ import annotations

import datetime
import os
from typing import Any

from flask import Flask
from globus_action_provider_tools import (
    ActionProviderDescription,
    ActionRequest,
    ActionStatus,
    ActionStatusValue,
    AuthState,
)
from globus_action_provider_tools.authorization import authorize_action_access_or_404
from globus_action_provider_tools.flask import ActionProviderBlueprint
from globus_action_provider_tools.flask.exceptions import ActionNotFound
from globus_action_provider_tools.flask.helpers import assign_json_provider

SCHEMA = {
    "type": "object",
    "properties": {"utc_offset": {"type": "number"}},
    "required": ["utc_offset"],
    "additionalProperties": False,
}


def create_app() -> Flask:
    app = Flask(__name__)
    assign_json_provider(app)
    app.config["CLIENT_ID"] = os.environ["WHATTIME_CLIENT_ID"]
    app.config["CLIENT_SECRET"] = os.environ["WHATTIME_CLIENT_SECRET"]
    description = ActionProviderDescription(
        globus_auth_scope=os.environ["WHATTIME_SCOPE"],
        title="Peer",
        admin_contact="peer@example.org",
        synchronous=False,
        input_schema=SCHEMA,
        visible_to=["all_authenticated_users"],
        log_supported=False,
    )
    blueprint = ActionProviderBlueprint(name="peer", import_name=__name__, provider_description=description)
    actions: dict[str, ActionStatus] = {}

    @blueprint.action_run
    def run(request: ActionRequest, auth: AuthState) -> Any:
        now = datetime.datetime.now(datetime.UTC)
        status = ActionStatus(
            status=ActionStatusValue.ACTIVE,
            creator_id=auth.effective_identity,
            label=request.label,
            monitor_by=request.monitor_by or set(auth.identities),
            manage_by=request.manage_by or set(auth.identities),
            start_time=now.isoformat(),
            release_after=request.release_after or datetime.timedelta(days=30),
            completion_time=None,
            display_status="ACTIVE",
            details={"estimated_completion_time": now.isoformat()},
        )
        actions[status.action_id] = status
        return status

    @blueprint.action_status
    def status(action_id: str, auth: AuthState) -> Any:
        if action_id not in actions:
            raise ActionNotFound(f"No action {action_id}")
        authorize_action_access_or_404(actions[action_id], auth)
        return actions[action_id]

    @blueprint.action_cancel
    def cancel(action_id: str, auth: AuthState) -> Any:
        return status(action_id, auth)

    @blueprint.action_release
    def release(action_id: str, auth: AuthState) -> Any:
        return status(action_id, auth)

    app.register_blueprint(blueprint)
    return app
