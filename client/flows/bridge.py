"""The one module that uses the rest of the client: providers over HTTP, logins, the console, schemas, and inputs."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import click
import globus_sdk

from .. import login, output
from ..action_client import ActionClient
from ..body import BodyError, read_body
from ..console import Console, shorten
from ..errors import FAILED, INTERRUPTED, USAGE, Refusal, explain
from ..polling import BadResponse
from ..schema import SchemaError, problems, read_schema
from ..schema_check import Place
from ..session import Session, an_object, provider_url
from ..transport import LOOPBACK
from ..waiting import scope_to_request
from ..watch import span
from .errors import DefinitionError, Finding, ProviderError
from .functions import DEEPEST, depth
from .providers import Document, Provider

__all__ = [
    "FAILED",
    "INTERRUPTED",
    "USAGE",
    "Console",
    "Place",
    "Refusal",
    "SchemaError",
    "explain",
    "output",
    "problems",
    "provider_url",
    "span",
]


def schema_problems(schema: Mapping[str, Any], data: Any) -> list[str]:
    """Return one sentence for each way in which `data` violates a JSON Schema."""
    try:
        return problems(schema, data)
    except SchemaError as error:
        return [f"The schema cannot be used: {error}."]


def input_schema(description: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the input schema of an introspection document; None if it has no readable one."""
    try:
        return read_schema(description)
    except SchemaError:
        return None


def read_input(given: str, option: str) -> dict[str, Any]:
    """Return the JSON object in an option's value, or in the file that it names.

    :raises click.BadParameter: it is not a JSON object.
    """
    try:
        return read_body(given)
    except BodyError as error:
        raise click.BadParameter(str(error), param_hint=option) from error


def explain_briefly(error: Exception) -> str:
    """Return what went wrong, in one line."""
    return shorten(" ".join(str(error).split()))


def console_of(ctx: click.Context, *, verbose: bool) -> Console:
    """Return the console on which this command reports to people."""
    console: Console = ctx.ensure_object(Console)
    console.verbose = verbose
    return console


TOO_DEEP = "The provider's response is nested too deeply."


class RemoteProvider:
    """An Action Provider at a URL. Its methods raise ProviderError, and Refusal if a login is needed first."""

    def __init__(self, session: Session, console: Console) -> None:
        self.session = session
        self.url = session.url
        self._console = console

    def prepare(self) -> None:
        """Check that login is possible before the flow depends on it.

        :raises Refusal: there is none.
        """
        with contextlib.suppress(ProviderError):  # the flow may handle that
            self._ask(lambda: {"client": self.session.client})

    def introspect(self) -> Document:
        return self._ask(self.session.description)

    def run(self, body: Any, request_id: str, label: str | None = None) -> Document:
        return self._act(lambda client: client.run(body, request_id=request_id, label=label))

    def status(self, action_id: str) -> Document:
        return self._act(lambda client: client.status(action_id))

    def cancel(self, action_id: str) -> Document:
        return self._act(lambda client: client.cancel(action_id))

    def release(self, action_id: str) -> Document:
        return self._act(lambda client: client.release(action_id))

    def resume(self, action_id: str) -> Document:
        return self._act(lambda client: client.resume(action_id))

    def give_consent(self, scope: str) -> bool:
        """Have the person log in with consent to a scope. Return False if that is not possible.

        The login asks for the provider's own scope, which includes the one it needs, and for no other service's.
        """
        if self.session.app is None:
            return False
        wanted = scope_to_request(self.session.scope, scope)
        if wanted is None:
            return False
        login.consent(self.session.app, wanted)
        return True

    def _act(self, operation: Callable[[ActionClient], globus_sdk.GlobusHTTPResponse]) -> Document:
        document = self._ask(lambda: an_object(operation(self.session.client)))
        if depth(document) > DEEPEST:
            raise ProviderError(TOO_DEEP)
        return document

    def _ask(self, request: Callable[[], Document]) -> Document:
        try:
            return request()
        except globus_sdk.AuthAPIError:
            raise  # a failed login is not a response from the provider
        except globus_sdk.GlobusAPIError as error:
            if depth(error.raw_json) > DEEPEST:
                raise ProviderError(TOO_DEEP, error.http_status) from error
            document = error.raw_json if isinstance(error.raw_json, dict) else None
            raise ProviderError(explain(error, self._console)[0], error.http_status, document) from error
        except (globus_sdk.NetworkError, BadResponse) as error:
            raise ProviderError(explain(error, self._console)[0]) from error


@dataclass
class RemoteProviders:
    """Finds the provider for each Action state.

    :param targets: the URLs, URNs and ids that the definition calls.
    :param redirects: the URL to call instead of each of them; ``*`` stands for all others.
    :param token: the token for all providers; with tokens for several hosts, see `token_for`.
    :param token_for: tokens by role, or by the URL of a provider.
    """

    console: Console
    targets: frozenset[str]
    redirects: Mapping[str, str] = field(default_factory=dict)
    token: str | None = None
    token_for: Mapping[str, str] = field(default_factory=dict)
    client_id: str | None = None

    def __post_init__(self) -> None:
        self._known: dict[tuple[str, str, str | None], RemoteProvider] = {}
        self._redirects = {target.rstrip("/"): url for target, url in self.redirects.items()}
        for secret in (self.token, *self.token_for.values()):
            self.console.keep_secret(secret or "")

    def __call__(self, target: str, scope: str | None, role: str) -> Provider:
        """Return the provider for a target, called with the token of a role.

        :raises DefinitionError: the target is not a URL and not redirected to one, or the role has no token.
        """
        url = self.url(target)
        key = (url, role, scope)
        if key not in self._known:
            credentials = login.Credentials(self._token(url, target, role), self.client_id, _client_secret())
            own_scope = scope if url == target else None  # the login is for one provider's scope
            session = Session(url, own_scope, credentials, None, self.console)
            self._known[key] = RemoteProvider(session, self.console)
        return self._known[key]

    def prepare(self) -> None:
        """Check that login is possible at each provider found so far.

        :raises Refusal: there is none.
        """
        for provider in self._known.values():
            provider.prepare()

    def url(self, target: str) -> str:
        """Return the URL to call for a target."""
        url = self._redirects.get(target.rstrip("/"), self._redirects.get("*", target))
        if not url.startswith(("http://", "https://")):
            text = f"{target} cannot be called from here: send its calls to another provider with "
            raise DefinitionError([Finding(f"{text}--provider '{target}=https://…'.")])
        return url

    def _token(self, url: str, target: str, role: str) -> str | None:
        if role != "User":
            if role not in self.token_for:
                text = f"RunAs is {role}, and there is no token for that: give --token-for '{role}=TOKEN'."
                raise DefinitionError([Finding(text)])
            return self.token_for[role]
        for name in (target, url, target.rstrip("/"), url.rstrip("/"), "User"):
            if name in self.token_for:
                return self.token_for[name]
        if self.token is not None and not _is_local(url):
            hosts = {urlsplit(self.url(each)).netloc for each in self.targets if not _is_local(self.url(each))}
            if len(hosts) > 1:
                text = f"One token would go to {len(hosts)} hosts: give each its own with --token-for 'URL=TOKEN'."
                raise DefinitionError([Finding(text)])
        return self.token


def _is_local(url: str) -> bool:
    return urlsplit(url).hostname in LOOPBACK


def _client_secret() -> str | None:
    return os.environ.get("ACTION_CLIENT_SECRET")
