"""The options of the flow commands that select the providers and the caller."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from .bridge import Console, RemoteProviders, console_of, provider_url
from .definition import Definition, provider_of


@dataclass(frozen=True)
class ProviderOptions:
    """What was given on the command line."""

    redirects: tuple[str, ...]
    token: str | None
    token_for: tuple[str, ...]
    client_id: str | None

    def providers(
        self,
        console: Console,
        definition: Definition,
        *,
        more_redirects: Sequence[str] = (),
        tokens: Mapping[str, Any] | None = None,
    ) -> RemoteProviders:
        """Return the providers that the definition calls.

        :param more_redirects: redirects with lower precedence than the options.
        :param tokens: tokens by role, from the input of the run.
        :raises click.BadParameter: an option has the wrong form.
        """
        targets = frozenset(provider_of(state)[0] for state in definition.states.values() if state["Type"] == "Action")
        redirects = dict(_redirect(text, targets) for text in (*more_redirects, *self.redirects))
        known = {str(role): str(value) for role, value in (tokens or {}).items()}
        known |= dict(_token_for(text) for text in self.token_for)
        return RemoteProviders(console, targets, redirects, self.token, known, self.client_id)


def provider_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command, and pass them to it as ProviderOptions, after the console."""

    @click.option(
        "--provider",
        "redirects",
        multiple=True,
        metavar="URL=OTHER_URL",
        help="Send the calls for one provider to another; * means all that are not named.",
    )
    @click.option(
        "--token", envvar="ACTION_TOKEN", help="An access token to use instead of a login.  [env: ACTION_TOKEN]"
    )
    @click.option(
        "--token-for", multiple=True, metavar="ROLE=TOKEN", help="A token for a RunAs role, or for a provider's URL."
    )
    @click.option("--client-id", type=click.UUID, envvar="ACTION_CLIENT_ID", help="The client id to log in with.")
    @click.option("-v", "--verbose", is_flag=True, help="Report each request on stderr.")
    @functools.wraps(function)
    def with_options(
        *,
        redirects: tuple[str, ...],
        token: str | None,
        token_for: tuple[str, ...],
        client_id: Any,
        verbose: bool,
        **rest: Any,
    ) -> Any:
        options = ProviderOptions(redirects, token, token_for, str(client_id) if client_id else None)
        return function(console_of(click.get_current_context(), verbose=verbose), options, **rest)

    return with_options


def _redirect(text: str, targets: frozenset[str]) -> tuple[str, str]:
    target, found, url = text.rpartition("=")
    if not found or not target:
        raise click.BadParameter(f"{text!r} does not have the form URL=OTHER_URL.", param_hint="--provider")
    provider_url(click.get_current_context(), click.Option(["--provider"]), url)
    if target.rstrip("/") not in {each.rstrip("/") for each in targets} | {"*"}:
        called = ", ".join(sorted(targets)) or "none"
        raise click.BadParameter(f"No state calls {target}; the flow calls: {called}.", param_hint="--provider")
    return target, url


def _token_for(text: str) -> tuple[str, str]:
    role, found, token = text.rpartition("=") if "://" in text.partition("=")[0] else text.partition("=")
    if not found or not role or not token:
        raise click.BadParameter("It must have the form ROLE=TOKEN or URL=TOKEN.", param_hint="--token-for")
    return role, token
