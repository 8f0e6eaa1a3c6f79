"""What a run needs of an Action Provider, and how the provider of an Action state is found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from .clock import Clock
from .definition import provider_of
from .errors import DefinitionError, Finding

ANY = "*"
"""In the place of a URL, all that are not named."""

Document = dict[str, Any]


class Provider(Protocol):
    """An Action Provider as one person calls it. Each method raises ProviderError for a refusal or no answer."""

    def introspect(self) -> Document: ...
    def run(self, body: Any, request_id: str, label: str | None = None) -> Document: ...
    def status(self, action_id: str) -> Document: ...
    def cancel(self, action_id: str) -> Document: ...
    def release(self, action_id: str) -> Document: ...
    def resume(self, action_id: str) -> Document: ...


class ProviderFactory(Protocol):
    """Finds the provider of an Action state.

    :raises DefinitionError: there is none for this target.
    """

    def __call__(self, target: str, scope: str | None, role: str) -> Provider: ...


def provider_for(state: Mapping[str, Any], providers: ProviderFactory) -> Provider:
    """The provider that an Action state calls.

    :raises DefinitionError: there is none.
    """
    target, scope = provider_of(state)
    return providers(target, scope, str(state.get("RunAs") or "User"))


def factory_of(providers: Mapping[str, Provider] | ProviderFactory, clock: Clock) -> ProviderFactory:
    """The function that finds providers, for those in a mapping by URL.

    :param clock: for stub providers that have none.
    """
    if callable(providers):
        return providers
    known = {target.rstrip("/"): provider for target, provider in providers.items()}
    for provider in known.values():
        if getattr(provider, "clock", clock) is None:
            provider.clock = clock  # type: ignore[attr-defined] # a stub uses the clock of the run

    def find_provider(target: str, scope: str | None, role: str) -> Provider:
        del scope, role
        found = known.get(target.rstrip("/"), known.get(ANY))
        if found is None:
            raise DefinitionError([Finding(f"There is no provider for {target}.")])
        return found

    return find_provider
