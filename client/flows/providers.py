"""What a run needs from an Action Provider, and how to find the provider of an Action state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from .clock import Clock
from .definition import provider_of
from .errors import DefinitionError, Finding

ANY = "*"
"""Used as a URL, it means all that are not named."""

Document = dict[str, Any]


class Provider(Protocol):
    """An Action Provider, called as one person. Each method raises ProviderError on a refusal or no response."""

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
    """Return the provider that an Action state calls.

    :raises DefinitionError: there is none.
    """
    target, scope = provider_of(state)
    return providers(target, scope, str(state.get("RunAs") or "User"))


def factory_of(providers: Mapping[str, Provider] | ProviderFactory, clock: Clock) -> ProviderFactory:
    """Return a function that finds providers in a mapping by URL.

    :param clock: for stub providers without one.
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
