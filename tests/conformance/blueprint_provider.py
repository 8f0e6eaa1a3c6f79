"""python -m tests.conformance.blueprint_provider: serve a provider made with the toolkit's own blueprint.

ActionProviderBlueprint provides the paths, tokens, validation, and errors. The rest is done as in the toolkit's example
(examples/apt_blueprint): actions are kept in a dict and run until they are canceled, and the description says
synchronous. It uses local_globus instead of Globus Auth, so it needs no account.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Flask
from globus_action_provider_tools import (
    ActionProviderDescription,
    ActionRequest,
    ActionStatus,
    ActionStatusValue,
    AuthState,
)
from globus_action_provider_tools.authorization import (
    authorize_action_access_or_404,
    authorize_action_management_or_404,
)
from globus_action_provider_tools.flask import ActionProviderBlueprint
from globus_action_provider_tools.flask.exceptions import ActionConflict, ActionNotFound
from globus_action_provider_tools.flask.helpers import assign_json_provider

from local_globus.directory import CLIENT_SECRET, PROVIDER_CLIENT_ID, PROVIDER_SCOPE
from local_globus.server import start_globus
from local_globus.web import create_globus
from tests.conformance.example_provider import serving

SCHEMA = {"type": "object", "properties": {"utc_offset": {"type": "integer"}}, "required": ["utc_offset"]}

actions: dict[str, ActionStatus] = {}

blueprint = ActionProviderBlueprint(
    name="blueprint",
    import_name=__name__,
    url_prefix="/blueprint",
    provider_description=ActionProviderDescription(
        globus_auth_scope=PROVIDER_SCOPE,
        title="A blueprint",
        admin_contact="nobody@example.org",
        synchronous=True,
        input_schema=SCHEMA,
    ),
)


def find(action_id: str) -> ActionStatus:
    if action_id not in actions:
        raise ActionNotFound(f"There is no action {action_id}")
    return actions[action_id]


@blueprint.action_run
def run(request: ActionRequest, auth: AuthState) -> Any:
    action = ActionStatus(
        status=ActionStatusValue.ACTIVE,
        creator_id=auth.effective_identity,
        label=request.label,
        monitor_by=request.monitor_by or set(auth.identities),
        manage_by=request.manage_by or set(auth.identities),
        release_after=request.release_after or timedelta(days=30),
        completion_time=None,
        display_status=ActionStatusValue.ACTIVE,
        details={},
    )
    actions[action.action_id] = action
    return action


@blueprint.action_status
def status(action_id: str, auth: AuthState) -> Any:
    action = find(action_id)
    authorize_action_access_or_404(action, auth)
    return action


@blueprint.action_cancel
def cancel(action_id: str, auth: AuthState) -> Any:
    action = find(action_id)
    authorize_action_management_or_404(action, auth)
    if action.status != ActionStatusValue.ACTIVE:
        raise ActionConflict("It is complete")
    action.status = ActionStatusValue.FAILED
    action.display_status = f"Cancelled by {auth.effective_identity}"
    return action


@blueprint.action_release
def release(action_id: str, auth: AuthState) -> Any:
    action = find(action_id)
    authorize_action_management_or_404(action, auth)
    if action.status == ActionStatusValue.ACTIVE:
        raise ActionConflict("It is not complete")
    return actions.pop(action_id)


def create_app() -> Flask:
    app = Flask(__name__)
    assign_json_provider(app)
    app.config.update(CLIENT_ID=PROVIDER_CLIENT_ID, CLIENT_SECRET=CLIENT_SECRET)
    app.register_blueprint(blueprint)
    return app


def main() -> None:
    start_globus(create_globus(PROVIDER_SCOPE)).point_sdk_here()
    with serving(create_app()) as url:
        print(f"{url}/blueprint", flush=True)
        input()


if __name__ == "__main__":
    main()
