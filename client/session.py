"""What every command has: the options that say which provider, who is asking and how to show the answer."""

from __future__ import annotations

import functools
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import click
import globus_sdk
from click.core import ParameterSource
from globus_sdk.globus_app import GlobusApp

from . import login, origins, output
from .action_client import ActionClient
from .console import Console
from .errors import NOT_ALLOWED, USAGE, Refusal
from .login import Credentials
from .login_flows import APP_NAME
from .polling import BadResponse
from .reporting import report_requests
from .scope import resource_server, scope_in_document, scope_in_refusal
from .transport import LOOPBACK


@dataclass
class Session:
    """One command, as it was typed."""

    action_url: str | None
    action_scope: str | None
    credentials: Credentials
    output_format: str | None
    console: Console

    @functools.cached_property
    def app(self) -> GlobusApp | None:
        """Whoever logs in; nobody, where a token was given."""
        if self.credentials.token is not None:
            return None
        return login.open_app(self.credentials, self.console, provider_url=self.action_url)

    @functools.cached_property
    def anonymous(self) -> ActionClient:
        """The provider, as everybody sees it."""
        return self._reporting(ActionClient(self.url))

    @functools.cached_property
    def public_description(self) -> dict[str, Any] | globus_sdk.GlobusAPIError:
        """What the provider tells everybody of itself, or its refusal."""
        try:
            return an_object(self.anonymous.introspect())
        except globus_sdk.GlobusAPIError as error:
            if error.http_status not in (401, 403):
                raise
            return error

    @functools.cached_property
    def client(self) -> ActionClient:
        """The provider, as the caller sees it.

        :raises Refusal: nobody is logged in, and nobody is there to log in.
        """
        host = urlsplit(self.url)
        if host.scheme == "http" and host.hostname not in LOOPBACK:
            self.console.say(
                f"Warning: your token goes to {host.hostname} for all to read: its URL begins with http://"
            )
        token = login.authorizer(self.credentials, self.console)
        if token is not None:
            return self._reporting(ActionClient(self.url, authorizer=token, app_name=APP_NAME))
        scope = self.scope
        self.claim_scope()
        return self._reporting(ActionClient(self.url, scope=scope, app=self.app))

    def claim_scope(self) -> None:
        """Have the app's tokens for the provider's scope go to this provider.

        :raises Refusal: they are another one's, and the provider alone says that the scope is its own.
        """
        if self.app is not None and self.action_url is not None:
            origins.claim(self.app, self.action_url, self.scope, given=self.action_scope is not None)

    @property
    def url(self) -> str:
        if self.action_url is None:
            raise click.UsageError("Which provider? Give --action-url, or set ACTION_URL.")
        return self.action_url

    @functools.cached_property
    def scope(self) -> str:
        """The provider's scope: as given, or as the provider says.

        :raises Refusal: neither.
        """
        scope = self.action_scope or self._told_scope()
        if scope is None:
            raise Refusal(
                "The provider does not tell its scope without a login: give --action-scope, or --token instead.",
                NOT_ALLOWED,
            )
        try:
            resource_server(scope)
        except ValueError as error:
            raise Refusal(f"{error}.", USAGE) from error
        return scope

    def _told_scope(self) -> str | None:
        told = self.public_description
        return scope_in_refusal(told) if isinstance(told, globus_sdk.GlobusAPIError) else scope_in_document(told)

    def description(self) -> dict[str, Any]:
        """The introspection document; a public one without a login."""
        if self.credentials.token is None and isinstance(self.public_description, dict):
            return self.public_description
        return an_object(self.client.introspect())

    def show(self, document: Any, page: Callable[[], str] | None = None) -> None:
        """Write a document to stdout; for a person who asks for no format, as a page where there is one."""
        if self.output_format is None and page is not None and sys.stdout.isatty():
            output.write(page())
        else:
            output.write(output.as_yaml(document) if self.output_format == "yaml" else output.as_json(document))

    def command(self, name: str, *arguments: str, action_scope: str | None = None) -> str:
        """Return the shell command that runs `name` with the same provider and caller.

        :param action_scope: names another scope than this command did.
        """
        ctx = click.get_current_context()
        words = [name, *_repeated(ctx, "action_url", "--action-url")]
        words += ["--action-scope", action_scope] if action_scope else _repeated(ctx, "action_scope", "--action-scope")
        words += ["--token", "TOKEN"] if ctx.get_parameter_source("token") == ParameterSource.COMMANDLINE else []
        words += _repeated(ctx, "client_id", "--client-id")
        return " ".join([str(ctx.find_root().info_name), *map(shlex.quote, [*words, *arguments])])

    def _reporting(self, client: ActionClient) -> ActionClient:
        report_requests(client, self.console)
        return client


def an_object(response: globus_sdk.GlobusHTTPResponse) -> dict[str, Any]:
    """The JSON object that an answer is.

    :raises BadResponse: it is none.
    """
    if not isinstance(response.data, dict):
        raise BadResponse(
            f"The answer ({response.http_status}) is not a JSON object: is this URL an Action Provider's?"
        )
    return response.data


def _repeated(ctx: click.Context, parameter: str, option: str) -> Sequence[str]:
    given = ctx.get_parameter_source(parameter) == ParameterSource.COMMANDLINE
    return [option, str(ctx.params[parameter])] if given else []


def provider_url(_ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """The URL of a provider, if it can be one."""
    if value is None:
        return None
    value = value.strip()
    try:
        parts = urlsplit(value)
        right = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        right = False
    if not right or parts.username or parts.query or parts.fragment or not value.isprintable() or " " in value:
        raise click.BadParameter(
            f"{value[:100]!r} is no URL of a provider, such as https://actions.example.org/time.", param=param
        )
    return value


def common_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that all have, and hand them to it as its Session."""

    @click.option(
        "--action-url", callback=provider_url, envvar="ACTION_URL", help="Where the provider is.  [env: ACTION_URL]"
    )
    @click.option("--action-scope", envvar="ACTION_SCOPE", help="Its scope, if it does not tell.  [env: ACTION_SCOPE]")
    @click.option("--token", envvar="ACTION_TOKEN", help="A token to use as it is.  [env: ACTION_TOKEN]")
    @click.option(
        "--client-id",
        type=click.UUID,
        envvar="ACTION_CLIENT_ID",
        help="Log in by an app of this id; with ACTION_CLIENT_SECRET, as a service.  [env: ACTION_CLIENT_ID]",
    )
    @click.option(
        "-f",
        "--format",
        "output_format",
        type=click.Choice(["json", "yaml"], case_sensitive=False),
        help="How to show the answer: JSON by default; on a terminal a page, where there is one.",
    )
    @click.option("-v", "--verbose", is_flag=True, help="Tell of each request, on stderr.")
    @functools.wraps(function)
    def with_session(
        *,
        action_url: str | None,
        action_scope: str | None,
        token: str | None,
        client_id: Any,
        output_format: str | None,
        verbose: bool,
        **rest: Any,
    ) -> Any:
        client_secret = os.environ.get("ACTION_CLIENT_SECRET")  # as an option, others on the machine could see it
        credentials = Credentials(token, str(client_id) if client_id else None, client_secret)
        if client_secret and not client_id:
            raise click.UsageError("ACTION_CLIENT_SECRET is set, but not the id that it belongs to: ACTION_CLIENT_ID.")
        console: Console = click.get_current_context().ensure_object(Console)
        console.verbose = verbose
        session = Session(action_url, action_scope, credentials, output_format, console)
        return function(session, **rest)

    return with_session
