"""Who is asking: a token as it is, a service by id and secret, or a person who logs in; through globus-sdk's apps."""

from __future__ import annotations

import contextlib
import os
import webbrowser
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import globus_sdk
from globus_sdk.gare import GlobusAuthorizationParameters
from globus_sdk.globus_app import ClientApp, GlobusApp, GlobusAppConfig, UserApp
from globus_sdk.login_flows import (
    CommandLineLoginFlowManager,
    LocalServerLoginFlowManager,
    LoginFlowManager,
)
from globus_sdk.login_flows.local_server_login_flow_manager import LocalServerEnvironmentalLoginError

from . import origins
from .console import Console
from .errors import NOT_ALLOWED, USAGE, Refusal
from .reporting import report_requests
from .scope import parse, resource_server
from .transport import LOOPBACK

APP_NAME = "globus-action"
LOCAL_CLIENT_ID = "5b1c0de0-0000-4000-8000-00000000c11e"
"""Stands for this program where a stand-in on this machine is Globus Auth, and takes any id; registered nowhere."""

AUTH_SCOPES = ["openid", "profile", "email"]

NO_CLIENT_ID = """\
To log in at Globus, this program needs a client id of yours; it has none of its own. Register one, once:
at https://app.globus.org/settings/developers choose "Register a thick client or script that will be installed and run
by users on their devices", and then set ACTION_CLIENT_ID (or --client-id) to its UUID.
For a service, register a "service account" and set ACTION_CLIENT_ID and ACTION_CLIENT_SECRET."""


LOCAL_AUTH = "export GLOBUS_SDK_SERVICE_URL_AUTH=http://127.0.0.1:5001/"

NO_TOKEN_HERE = f"""\
Nobody is logged in: set ACTION_TOKEN (or --token), in local mode to local-token-alice; or, to log in there, first
{LOCAL_AUTH} (At Globus itself, a login takes ACTION_CLIENT_ID.)"""

TOKEN_OF_WHICH_AUTH = (
    f"Who knows this token? In local mode: {LOCAL_AUTH} (for a token of Globus: https://auth.globus.org/)"
)


@dataclass(frozen=True)
class Credentials:
    """What was given to log in with; all of it is optional."""

    token: str | None = None
    client_id: str | None = None
    client_secret: str | None = None


def authorizer(credentials: Credentials, console: Console) -> globus_sdk.AccessTokenAuthorizer | None:
    """For the token that was given, if one was.

    :raises Refusal: it cannot be one.
    """
    token = credentials.token
    if token is None:
        return None
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise Refusal("--token or ACTION_TOKEN: this is no token: one has no blanks and no special characters.", USAGE)
    console.keep_secret(token)
    return globus_sdk.AccessTokenAuthorizer(token)


def open_app(
    credentials: Credentials, console: Console, *, browser: bool | None = None, provider_url: str | None = None
) -> GlobusApp:
    """The app of the service or the person, with the tokens that are stored for it.

    :param browser: whether a login opens a browser, or has a code pasted; None tries the former first.
    :raises Refusal: there is no client id, or what is stored cannot be read.
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

    def log_in_if_somebody_is_there(app: GlobusApp, error: globus_sdk.GlobusError) -> None:
        if not console.can_ask:
            raise Refusal(
                "You are not logged in for this provider: `login` first, or set ACTION_TOKEN.", NOT_ALLOWED
            ) from error
        console.say("You are not logged in for this provider yet.")
        app.login(force=True)

    config = GlobusAppConfig(
        request_refresh_tokens=True,
        login_flow_manager=_flow(login_client, console, browser),
        token_validation_error_handler=log_in_if_somebody_is_there,
    )
    return _with_auth_scopes(UserApp(APP_NAME, login_client=login_client, config=config))


def _with_auth_scopes(app: GlobusApp) -> GlobusApp:
    app.add_scope_requirements({"auth.globus.org": AUTH_SCOPES})
    return app


def require(app: GlobusApp, scope: str) -> None:
    """Have the next login be for this scope as well."""
    app.add_scope_requirements({resource_server(scope): parse(scope)})


def consent(app: GlobusApp, scope: str) -> None:
    """Have the person agree to a further scope."""
    app.login(auth_params=GlobusAuthorizationParameters(required_scopes=[scope]))


def userinfo(app: GlobusApp | None, token: globus_sdk.AccessTokenAuthorizer | None, console: Console) -> dict[str, Any]:
    """What Globus Auth knows of whoever is asking."""
    client = globus_sdk.AuthClient(app=app, authorizer=token)
    report_requests(client, console)
    return dict(client.userinfo().data)


def log_out(app: GlobusApp) -> bool:
    """Revoke the tokens that are stored, and forget them.

    :returns: whether there were any.
    :raises globus_sdk.GlobusError: they are forgotten here, but could not be revoked.
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


def auth_is_local() -> bool:
    """Whether a stand-in on this machine is in the place of Globus Auth."""
    return urlsplit(globus_sdk.AuthClient().base_url).hostname in LOOPBACK


def is_unclear_which_auth(provider_url: str | None) -> bool:
    """Whether the provider is on this machine, and nothing says whether its Globus Auth is, too."""
    here = urlsplit(provider_url or "").hostname in LOOPBACK
    return here and not os.environ.get("GLOBUS_SDK_SERVICE_URL_AUTH")


def _known_client_id(provider_url: str | None) -> str:
    if auth_is_local():
        return LOCAL_CLIENT_ID
    known = sorted({path.parts[-3] for path in _app_folder().glob(f"*/{APP_NAME}/tokens.json")} - {LOCAL_CLIENT_ID})
    if len(known) > 1:
        raise Refusal(f"You are logged in by several client ids: pick one with --client-id: {', '.join(known)}", USAGE)
    if not known:
        raise Refusal(NO_TOKEN_HERE if is_unclear_which_auth(provider_url) else NO_CLIENT_ID, NOT_ALLOWED)
    return known[0]


def _app_folder() -> Path:
    """Where globus-sdk keeps the tokens of all apps, in a folder for each client id."""
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA") or os.environ.get("APPDATA") or "~").expanduser() / "globus" / "app"
    return Path("~/.globus/app").expanduser()


def _flow(login_client: globus_sdk.NativeAppAuthClient, console: Console, browser: bool | None) -> LoginFlowManager:
    paste = PasteFlow(login_client, request_refresh_tokens=True, native_prefill_named_grant=APP_NAME)
    paste.console = console
    if browser is False or (browser is None and not _has_browser()):
        return paste
    return BrowserFlow(login_client, paste, console, alone=browser is True)


def _has_browser() -> bool:
    try:
        return bool(webbrowser.get())
    except webbrowser.Error:
        return False


class PasteFlow(CommandLineLoginFlowManager):
    """A login by a code that is pasted. What is asked is on stderr: stdout is for data."""

    console: Console

    def print_authorize_url(self, authorize_url: str) -> None:
        self.console.say("Open this link, log in, and paste the code that you get:\n", bold=True)
        self.console.say(f"{authorize_url}\n")

    def prompt_for_code(self) -> str:
        return self.console.ask("Code")


class BrowserFlow(LocalServerLoginFlowManager):
    """A login in a browser on this machine; where there is none, by a code."""

    def __init__(
        self, login_client: globus_sdk.NativeAppAuthClient, paste: PasteFlow, console: Console, *, alone: bool
    ) -> None:
        super().__init__(login_client, request_refresh_tokens=True, native_prefill_named_grant=APP_NAME)
        self.paste, self.console, self.alone = paste, console, alone

    def run_login_flow(self, auth_parameters: GlobusAuthorizationParameters) -> globus_sdk.OAuthTokenResponse:
        try:
            return super().run_login_flow(auth_parameters)
        except LocalServerEnvironmentalLoginError as error:
            if self.alone:
                raise
            self.console.details(f"No browser: {error}")
        return self.paste.run_login_flow(auth_parameters)

    @contextlib.contextmanager
    def background_local_server(self) -> Iterator[Any]:
        """As in the base class; once the browser is open, it says so."""
        with super().background_local_server() as server:
            yield _Announcing(server, self.console)


@dataclass(frozen=True)
class _Announcing:
    """The server that waits for the browser to come back."""

    server: Any
    console: Console

    @property
    def socket(self) -> Any:
        return self.server.socket

    def wait_for_code(self) -> Any:
        self.console.say("Log in in your browser. (Ctrl-C, and `login --no-browser` takes a code instead.)")
        return self.server.wait_for_code()
