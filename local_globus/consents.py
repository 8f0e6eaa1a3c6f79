"""Remembers which dependent tokens people have consented to, in memory."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from local_globus.directory import person
from local_globus.registry import Registry


@dataclass(frozen=True)
class Consent:
    """A person's permission: the provider of `scope` may get tokens for `dependent_scope` from this person's tokens."""

    person_id: str
    scope: str
    dependent_scope: str


@dataclass
class Consents:
    """The consents of everyone.

    A consent belongs to a person and a pair of scopes, not to a token or to the client that asked for it. So a local
    token has the consent as soon as the person has given it anywhere. Registered dependent scopes need no consent
    unless the registry asks for it. Restarting the stand-in restores that state.
    """

    registry: Registry
    clock: Callable[[], float] = time.time
    _changes: dict[Consent, tuple[bool, float]] = field(default_factory=dict)
    _numbers: dict[tuple[str, ...], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._counter = itertools.count(1)
        self._start = self.clock()

    def holds(self, consent: Consent) -> bool:
        """Return whether this consent is currently given."""
        if consent in self._changes:
            return self._changes[consent][0]
        registered = self.registry.scope(consent.scope)
        dependent = consent.dependent_scope
        return dependent in registered.dependent_scopes and dependent not in registered.ask_consent

    def give(self, identity: str, pairs: Iterable[tuple[str, str]]) -> None:
        """Record a consent of this person to each pair of a scope and a dependent scope."""
        for scope, dependent in pairs:
            consent = self._consent(identity, scope, dependent)
            if not self.holds(consent):
                self._changes[consent] = (True, self.clock())

    def withdraw(self, identity: str, scope: str, dependent: str) -> None:
        """Withdraw a consent. Dependent tokens based on it stop working."""
        self._changes[self._consent(identity, scope, dependent)] = (False, self.clock())

    def missing(self, identity: str, pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return the pairs of a scope and a dependent scope that this person has not consented to."""
        return [pair for pair in dict.fromkeys(pairs) if not self.holds(self._consent(identity, *pair))]

    def dependent_scopes(self, identity: str, scope: str) -> list[str]:
        """Return the scopes for which a token of this person for `scope` leads to dependent tokens."""
        given = [each.dependent_scope for each in list(self._changes) if each.scope == scope]
        named = dict.fromkeys((*self.registry.scope(scope).dependent_scopes, *given))
        return [dependent for dependent in named if self.holds(self._consent(identity, scope, dependent))]

    def of(self, identity: str) -> list[Consent]:
        """Return all consents that this person has given, in the order of their scopes."""
        known = [each.scope for each in self.registry.scopes] + [each.scope for each in list(self._changes)]
        return [
            self._consent(identity, scope, dependent)
            for scope in dict.fromkeys(known)
            for dependent in self.dependent_scopes(identity, scope)
        ]

    def paths(self, identity: str) -> Iterator[tuple[str, ...]]:
        """Yield the consents as paths of scopes: a scope alone, then each scope that can be reached from it."""
        for scope in dict.fromkeys(each.scope for each in self.of(identity)):
            yield from self._paths_below(identity, (scope,))

    def _paths_below(self, identity: str, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        yield path
        for dependent in self.dependent_scopes(identity, path[-1]):
            if dependent not in path:
                yield from self._paths_below(identity, (*path, dependent))

    def number(self, identity: str, path: tuple[str, ...]) -> int:
        """Return the number of a path, which stays the same while the stand-in runs."""
        key = (person(identity).id, *path)
        return self._numbers.setdefault(key, next(self._counter))

    def given_at(self, identity: str, path: tuple[str, ...]) -> float:
        """Return when the last step of a path was consented to, in seconds since 1970."""
        consent = self._consent(identity, *path[-2:]) if len(path) > 1 else None
        return self._changes[consent][1] if consent in self._changes else self._start

    @staticmethod
    def _consent(identity: str, scope: str, dependent: str) -> Consent:
        return Consent(person(identity).id, scope, dependent)
