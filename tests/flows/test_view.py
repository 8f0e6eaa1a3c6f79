"""What a person sees and is asked while a flow runs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from client.flows.bridge import Console, RemoteProvider
from client.flows.stub import StubProvider
from client.flows.view import TerminalAnswerer, View
from tests.processes import RunningProvider

OWN = "https://auth.globus.org/scopes/99999999-2222-4333-8444-555555555555/action_all"


class Person(Console):
    """A console at which someone sits and types these answers."""

    def __init__(self, *answers: str, there: bool = True) -> None:
        super().__init__()
        self.answers: Iterator[str] = iter(answers)
        self.there = there
        self.said: list[str] = []

    @property
    def can_ask(self) -> bool:
        return self.there

    def ask(self, question: str) -> str:
        self.said.append(question)
        return next(self.answers)

    def say(self, text: str, *, fg: str | None = None, bold: bool = False) -> None:
        self.said.append(text)


def view(person: Person) -> View:
    shown = View(person, resume_command="globus-action resume {action_id} --action-url {url}")
    shown.state_started("Approve", {"Type": "Action"})
    return shown


def waits(**details: str) -> dict[str, Any]:
    return {"action_id": "a1", "status": "INACTIVE", "details": details}


class TestConsent:
    @pytest.mark.parametrize(("answer", "resumed"), [("", True), ("y", True), ("n", False), ("No", False)])
    def test_a_person_is_asked_whether_to_resume(self, answer: str, resumed: bool) -> None:
        person = Person(answer)
        assert view(person).consent(waits(description="It waits for approval."), StubProvider()) is resumed
        assert person.said[0] == "The action a1 of Approve is waiting: It waits for approval."

    def test_the_same_question_is_not_asked_again(self) -> None:
        shown = view(Person("n"))
        assert not shown.consent(waits(code="Paused"), StubProvider())
        assert not shown.consent(waits(code="Paused"), StubProvider())

    def test_without_a_person_the_command_is_shown(self) -> None:
        person = Person(there=False)
        assert not view(person).consent(waits(), StubProvider())
        assert person.said[-1] == "  It continues when someone resumes it: globus-action resume a1 --action-url "

    def test_an_action_id_is_quoted_for_the_shell_and_adds_no_lines(self) -> None:
        person, document = Person(there=False), {**waits(), "action_id": "a\n; rm -r $HOME"}
        assert not view(person).consent(document, StubProvider())
        assert "resume 'a ; rm -r $HOME' --action-url" in person.said[-1]
        assert not any("\n" in said for said in person.said)

    @pytest.mark.parametrize("logged_in", [True, False])
    def test_a_consent_is_asked_for_through_the_login(self, monkeypatch: pytest.MonkeyPatch, logged_in: bool) -> None:
        asked: list[str] = []

        def give_consent(_self: RemoteProvider, scope: str) -> bool:
            asked.append(scope)
            return logged_in

        monkeypatch.setattr(RemoteProvider, "give_consent", give_consent)
        person, provider = Person(), RemoteProvider.__new__(RemoteProvider)
        document = waits(code="ConsentRequired", required_scope="urn:x\nDone.")
        assert view(person).consent(document, provider) is logged_in
        assert asked == ["urn:x\nDone."]
        assert "  It needs your consent to urn:x Done." in person.said
        assert ("without --token" in person.said[-1]) is not logged_in

    @pytest.mark.parametrize(
        ("needed", "requested"),
        [
            (
                "urn:globus:auth:scope:transfer.api.globus.org:all",
                [f"{OWN}[urn:globus:auth:scope:transfer.api.globus.org:all]"],
            ),
            (f"{OWN}[urn:x]", [f"{OWN}[urn:x]"]),
            ("two scopes", []),
        ],
    )
    def test_a_login_asks_for_no_scope_but_the_providers_own(
        self, monkeypatch: pytest.MonkeyPatch, needed: str, requested: list[str]
    ) -> None:
        asked: list[str] = []
        monkeypatch.setattr("client.login.consent", lambda _app, scope: asked.append(scope))
        provider = RemoteProvider.__new__(RemoteProvider)
        provider.session = cast(Any, SimpleNamespace(app=object(), scope=OWN))
        assert provider.give_consent(needed) is bool(requested)
        assert asked == requested


def test_answers_given_in_advance_come_first_and_then_a_person_is_asked() -> None:
    person = Person("nonsense", "2")
    answer = TerminalAnswerer(person, ("yes",))
    question = {
        "Options": [{"Value": "yes"}, {"Value": "no", "Label": "Not now"}],
        "Context": {"Rows": [{"Field": "a"}]},
    }
    assert [answer(question), answer(question)] == ["yes", "no"]
    assert "  2  Not now" in person.said


def test_names_and_descriptions_of_a_flow_add_no_lines() -> None:
    person, spoof = Person("1"), "a\nSUCCEEDED: run"
    shown = View(person, resume_command="")
    shown.state_ended(spoof, {"Type": "Pass"}, "done")
    shown.waiting(spoof, datetime.now(UTC))
    options = [{"Value": "yes", "Label": spoof, "Description": spoof}]
    TerminalAnswerer(person, ())({"Options": options, "Context": {"Title": spoof, "Rows": [{"Field": spoof}]}})
    assert len(person.said) == 6
    assert not any("\n" in said for said in person.said)


def test_a_provider_is_asked_for_its_schema_without_a_login(provider: RunningProvider) -> None:
    from client.flows.bridge import RemoteProviders

    providers = RemoteProviders(Person(), frozenset([provider.url]), token="local-token-alice")
    assert providers(provider.url, None, "User").introspect()["title"] == "What Time Is It Right Now?"
