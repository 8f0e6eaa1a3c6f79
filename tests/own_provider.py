"""For tests of a work module: the unchanged provider with that module, a clock, and three people.

Use it like tests/examples/ does::

    @pytest.fixture
    def provider(monkeypatch):
        with closing(OwnProvider(monkeypatch, "examples.digest.work")) as provider:
            yield provider

    def test_a_digest(provider):
        assert provider.alice.run(body={"text": "hello"})["status"] == "SUCCEEDED"
"""

from __future__ import annotations

import os
from functools import cached_property
from typing import Any

import pytest
from flask import Flask

from app import create_app
from tests.api import Caller, provider_of
from tests.clock import Clock
from tests.patched_auth import Person, patch_globus

CREDENTIALS = {
    "CLIENT_ID": "11111111-2222-4333-8444-555555555555",
    "CLIENT_SECRET": "not-a-secret",
    "SCOPE": "https://auth.globus.org/scopes/11111111-2222-4333-8444-555555555555/action_all",
    "LOG_FORMAT": "off",
}
ALICE, BOB, CAROL = Person("alice"), Person("bob"), Person("carol")


class OwnProvider:
    """A provider with a patched Globus. Time stands still until the test calls `clock.tick(seconds=…)`.

    :param work: the dotted name of the work module.
    :param settings: settings without their prefix, such as `DATABASE_URL`, including the module's own.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, work: str, **settings: Any) -> None:
        for name in [name for name in os.environ if name.startswith("WHATTIME_")]:
            monkeypatch.delenv(name)
        self.clock = Clock()
        self.globus = patch_globus(monkeypatch, scope=CREDENTIALS["SCOPE"])
        self._settings = {**CREDENTIALS, "WORK": work, **settings}

    @cached_property
    def app(self) -> Flask:
        return create_app(self._settings, clock=self.clock, timer=self.clock.timer)

    def set(self, name: str, value: Any) -> None:
        """Change one of the work module's own settings, before or after the first request."""
        self._settings[name] = value
        if "app" in self.__dict__:
            own = provider_of(self.app).settings.work_settings
            assert isinstance(own, dict)
            own[name] = value

    def caller(self, person: Person) -> Caller:
        """Return this person, logged in."""
        return Caller(self.app.test_client(), self.globus.login(person))

    @cached_property
    def alice(self) -> Caller:
        return self.caller(ALICE)

    @cached_property
    def bob(self) -> Caller:
        return self.caller(BOB)

    @cached_property
    def carol(self) -> Caller:
        return self.caller(CAROL)

    def advance(self) -> str:
        """Run `flask --app app advance`. Return what it prints."""
        result = self.app.test_cli_runner().invoke(args=["advance"])
        assert result.exit_code == 0, result.output
        return str(result.stdout)

    def restart(self) -> None:
        """Restart with the same database, as after a crash."""
        self.close()
        for name in ("app", "alice", "bob", "carol"):
            self.__dict__.pop(name, None)

    def close(self) -> None:
        """Close the application's database."""
        if "app" in self.__dict__:
            provider_of(self.app).close()
