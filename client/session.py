"""The options that every command has: which provider, who calls it, and how to show the result."""

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
    """The context of one command: the provider, the caller, and the output format."""

    action_url: str | None
    action_scope: str | None
    credentials: Credentials
    output_format: str | None
    console: Console

    @functools.cached_property
    def app(self) -> GlobusApp | None:
        """The app that logs in; None if a token was given."""
        if self.credentials.token is not None:
            return None
        return login.open_app(self.credentials, self.console, provider_url=self.action_url)

    @functools.cached_property
    def anonymous(self) -> ActionClient:
        """A client without a token."""
        return self._reporting(ActionClient(self.url))

    @functools.cached_property
    def public_description(self) -> dict[str, Any] | globus_sdk.GlobusAPIError:
        """The introspection document as the provider shows it without a token, or its refusal."""
        try:
            return an_object(self.anonymous.introspect())
        except globus_sdk.GlobusAPIError as error:
            if error.http_status not in (401, 403):
                raise
            return error

    @functools.cached_property
    def client(self) -> ActionClient:
        """A client that calls the provider as the caller.

        :raises Refusal: the caller is not logged in, and there is no terminal to log in at.
        """
        host = urlsplit(self.url)
        if host.scheme == "http" and host.hostname not in LOOPBACK:
            self.console.say(
                f"Warning: your token is sent to {host.hostname} unencrypted, because its URL begins with http://"
            )
        token = login.authorizer(self.credentials, self.console)
        if token is not None:
            return self._reporting(ActionClient(self.url, authorizer=token, app_name=APP_NAME))
        scope = self.scope
        self.claim_scope()
        return self._reporting(ActionClient(self.url, scope=scope, app=self.app))

    def claim_scope(self) -> None:
        """Record that this provider receives the app's tokens for its scope.

        :raises Refusal: see `origins.claim`.
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
        """The provider's scope: the one given, or the one that the provider names.

        :raises Refusal: there is neither.
        """
        scope = self.action_scope or self._named_scope()
        if scope is None:
            raise Refusal(
                "The provider does not name its scope without a login: give --action-scope, or --token instead.",
                NOT_ALLOWED,
            )
        try:
            resource_server(scope)
        except ValueError as error:
            raise Refusal(f"{error}.", USAGE) from error
        return scope

    def _named_scope(self) -> str | None:
        told = self.public_description
        return scope_in_refusal(told) if isinstance(told, globus_sdk.GlobusAPIError) else scope_in_document(told)

    def description(self) -> dict[str, Any]:
        """Return the introspection document; without a login, if the provider shows it to everyone."""
        if self.credentials.token is None and isinstance(self.public_description, dict):
            return self.public_description
        return an_object(self.client.introspect())

    def show(self, document: Any, page: Callable[[], str] | None = None) -> None:
        """Write a document to stdout: as a page on a terminal if there is one and no format was given."""
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
    """Return the JSON object in a response.

    :raises BadResponse: it is not an object.
    """
    if not isinstance(response.data, dict):
        raise BadResponse(
            f"The response ({response.http_status}) is not a JSON object: is this the URL of an Action Provider?"
        )
    return response.data


def _repeated(ctx: click.Context, parameter: str, option: str) -> Sequence[str]:
    given = ctx.get_parameter_source(parameter) == ParameterSource.COMMANDLINE
    return [option, str(ctx.params[parameter])] if given else []


def provider_url(_ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Return the value of --action-url without surrounding spaces; refuse what cannot be a provider's URL."""
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
            f"{value[:100]!r} is not the URL of a provider, such as https://actions.example.org/time.", param=param
        )
    return value


def common_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that every command has, and pass them to the command as a Session."""

    @click.option(
        "--action-url", callback=provider_url, envvar="ACTION_URL", help="The provider's URL.  [env: ACTION_URL]"
    )
    @click.option(
        "--action-scope",
        envvar="ACTION_SCOPE",
        help="The provider's scope, if the provider does not name one.  [env: ACTION_SCOPE]",
    )
    @click.option(
        "--token", envvar="ACTION_TOKEN", help="An access token to use instead of a login.  [env: ACTION_TOKEN]"
    )
    @click.option(
        "--client-id",
        type=click.UUID,
        envvar="ACTION_CLIENT_ID",
        help="The id of your app, or of a service (with ACTION_CLIENT_SECRET).  [env: ACTION_CLIENT_ID]",
    )
    @click.option(
        "-f",
        "--format",
        "output_format",
        type=click.Choice(["json", "yaml"], case_sensitive=False),
        help="The output format. By default, JSON; on a terminal, some commands show readable text instead.",
    )
    @click.option("-v", "--verbose", is_flag=True, help="Report each request on stderr.")
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
