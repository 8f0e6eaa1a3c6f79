"""How a person logs in: in a browser on this machine, or with a code to paste."""

from __future__ import annotations

import contextlib
import webbrowser
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import globus_sdk
from globus_sdk.gare import GlobusAuthorizationParameters
from globus_sdk.login_flows import (
    CommandLineLoginFlowManager,
    LocalServerLoginFlowManager,
    LoginFlowManager,
)
from globus_sdk.login_flows.local_server_login_flow_manager import LocalServerEnvironmentalLoginError

from .console import Console

APP_NAME = "globus-action"


def login_flow(
    login_client: globus_sdk.NativeAppAuthClient, console: Console, browser: bool | None
) -> LoginFlowManager:
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
    """A login with a code to paste. Its prompts are on stderr, because stdout is for data."""

    console: Console

    def print_authorize_url(self, authorize_url: str) -> None:
        self.console.say("Open this link, log in, and paste the code that it shows:\n", bold=True)
        self.console.say(f"{authorize_url}\n")

    def prompt_for_code(self) -> str:
        return self.console.ask("Code")


class BrowserFlow(LocalServerLoginFlowManager):
    """A login in a browser on this machine, or with a code if there is no browser."""

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
        """Extend the base class's server: say so once the browser is open."""
        with super().background_local_server() as server:
            yield _AnnouncingServer(server, self.console)


@dataclass(frozen=True)
class _AnnouncingServer:
    """The server that waits for the browser's redirect."""

    server: Any
    console: Console

    @property
    def socket(self) -> Any:
        return self.server.socket

    def wait_for_code(self) -> Any:
        self.console.say("Log in with your browser. (To paste a code instead: Ctrl-C, then `login --no-browser`.)")
        return self.server.wait_for_code()
