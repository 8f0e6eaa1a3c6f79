"""Authenticate the caller with a given token, or with globus-sdk's apps: as a service, or as a person who logs in."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import globus_sdk
from globus_sdk.gare import GlobusAuthorizationParameters
from globus_sdk.globus_app import ClientApp, GlobusApp, GlobusAppConfig, UserApp

from . import origins
from .console import Console
from .errors import NOT_ALLOWED, USAGE, Refusal
from .local_mode import auth_is_local, is_unclear_which_auth, not_logged_in
from .login_flows import APP_NAME, login_flow
from .reporting import report_requests
from .scope import parse, resource_server

LOCAL_CLIENT_ID = "5b1c0de0-0000-4000-8000-00000000c11e"
"""The client id for a local stand-in for Globus Auth, which accepts any id. It is not registered anywhere."""

AUTH_SCOPES = ["openid", "profile", "email"]

NO_CLIENT_ID = """\
To log in at Globus, this program needs a client id, which you register once:
at https://app.globus.org/settings/developers choose "Register a thick client or script that will be installed and run
by users on their devices", and then set ACTION_CLIENT_ID (or --client-id) to its UUID.
For a service, register a "service account" and set ACTION_CLIENT_ID and ACTION_CLIENT_SECRET."""


@dataclass(frozen=True)
class Credentials:
    """What the caller gave to authenticate with; each part is optional."""

    token: str | None = None
    client_id: str | None = None
    client_secret: str | None = None


def authorizer(credentials: Credentials, console: Console) -> globus_sdk.AccessTokenAuthorizer | None:
    """Return an authorizer for the given token; None if there is none.

    :raises Refusal: the text cannot be a token.
    """
    token = credentials.token
    if token is None:
        return None
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise Refusal(
            "--token or ACTION_TOKEN: this is not a token. A token has no spaces or special characters.", USAGE
        )
    console.keep_secret(token)
    return globus_sdk.AccessTokenAuthorizer(token)


def open_app(
    credentials: Credentials, console: Console, *, browser: bool | None = None, provider_url: str | None = None
) -> GlobusApp:
    """Return the app of the service or the person, with its stored tokens.

    :param browser: whether a login opens a browser (True) or asks for a code (False); None tries a browser first.
    :raises Refusal: there is no client id, or the stored tokens are unreadable.
    """
    client_id = credentials.client_id or _known_client_id(provider_url)
    try:
        return _app(client_id, credentials, console, browser)
    except (ValueError, KeyError, TypeError) as error:  # as the SDK's storage raises them
        file = _app_folder() / client_id / APP_NAME / "tokens.json"
        raise Refusal(f"The stored tokens cannot be read: delete {file}, and log in again.", NOT_ALLOWED) from error


def _app(client_id: str, credentials: Credentials, console: Console, browser: bool | None) -> GlobusApp:
    if credentials.client_secret:
        console.keep_secret(credentials.client_secret)
        service = globus_sdk.ConfidentialAppAuthClient(client_id, credentials.client_secret, app_name=APP_NAME)
        report_requests(service, console)
        return _with_auth_scopes(ClientApp(APP_NAME, login_client=service))
    login_client = globus_sdk.NativeAppAuthClient(client_id, app_name=APP_NAME)
    report_requests(login_client, console)

    def log_in_at_a_terminal(app: GlobusApp, error: globus_sdk.GlobusError) -> None:
        if not console.can_ask:
            raise Refusal(
                "You are not logged in for this provider: `login` first, or set ACTION_TOKEN.", NOT_ALLOWED
            ) from error
        console.say("You are not logged in for this provider yet.")
        app.login(force=True)

    config = GlobusAppConfig(
        request_refresh_tokens=True,
        login_flow_manager=login_flow(login_client, console, browser),
        token_validation_error_handler=log_in_at_a_terminal,
    )
    return _with_auth_scopes(UserApp(APP_NAME, login_client=login_client, config=config))


def _with_auth_scopes(app: GlobusApp) -> GlobusApp:
    app.add_scope_requirements({"auth.globus.org": AUTH_SCOPES})
    return app


def require(app: GlobusApp, scope: str) -> None:
    """Include this scope in the next login."""
    app.add_scope_requirements({resource_server(scope): parse(scope)})


def consent(app: GlobusApp, scope: str) -> None:
    """Log in again, with the person's consent to an additional scope."""
    app.login(auth_params=GlobusAuthorizationParameters(required_scopes=[scope]))


def userinfo(app: GlobusApp | None, token: globus_sdk.AccessTokenAuthorizer | None, console: Console) -> dict[str, Any]:
    """Return what Globus Auth knows about the caller."""
    client = globus_sdk.AuthClient(app=app, authorizer=token)
    report_requests(client, console)
    return dict(client.userinfo().data)


def log_out(app: GlobusApp) -> bool:
    """Revoke and delete the stored tokens.

    :returns: whether there were any.
    :raises globus_sdk.GlobusError: they could not be revoked; they are deleted all the same.
    """
    storage: Any = app.token_storage
    stored = storage.token_storage.get_token_data_by_resource_server()
    app.add_scope_requirements({server: data.scope.split() for server, data in stored.items()})
    try:
        app.logout()
    finally:
        Path(storage.token_storage.filepath).unlink(missing_ok=True)
        origins.forget(app)
    return bool(stored)


def _known_client_id(provider_url: str | None) -> str:
    if auth_is_local():
        return LOCAL_CLIENT_ID
    known = sorted({path.parts[-3] for path in _app_folder().glob(f"*/{APP_NAME}/tokens.json")} - {LOCAL_CLIENT_ID})
    if len(known) > 1:
        raise Refusal(
            f"You are logged in with several client ids. Select one with --client-id: {', '.join(known)}", USAGE
        )
    if not known:
        raise Refusal(not_logged_in(provider_url) if is_unclear_which_auth(provider_url) else NO_CLIENT_ID, NOT_ALLOWED)
    return known[0]


def _app_folder() -> Path:
    """Return the folder in which globus-sdk stores tokens, with a folder for each client id."""
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA") or os.environ.get("APPDATA") or "~").expanduser() / "globus" / "app"
    return Path("~/.globus/app").expanduser()
