"""What a person sees while a flow runs: a line for each finished state, and a live line for the current one."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from .action import estimated_completion
from .bridge import Console, RemoteProvider, span
from .clock import SystemClock
from .observer import Observer
from .providers import Provider

TICK_SECONDS = 0.1


class View(Observer, SystemClock):
    """Shows a person what happens. It is also the run's clock, and redraws the live line while waiting."""

    def __init__(self, console: Console, *, resume_command: str) -> None:
        self._console = console
        self._resume_command = resume_command
        self._began = self._entered = time.monotonic()
        self._name, self._status = "", ""
        self._document: Mapping[str, Any] = {}
        self._until: datetime | None = None
        self._waits_for = ""

    def state_started(self, name: str, state: Mapping[str, Any]) -> None:
        self._name, self._status, self._document, self._until = name, str(state["Type"]), {}, None
        self._entered, self._waits_for = time.monotonic(), ""

    def state_ended(self, name: str, state: Mapping[str, Any], outcome: str) -> None:
        took = round(time.monotonic() - self._entered)
        after = f" after {span(timedelta(seconds=took))}" if took >= 1 else ""
        color = {"SUCCEEDED": "green", "FAILED": "red"}.get(outcome)
        color = "red" if state["Type"] == "Fail" or ": " in outcome else color
        self._say(f"{name} ({state['Type']}): {self._console.brief(outcome)}{after}", color)

    def action_polled(self, name: str, document: Mapping[str, Any]) -> None:
        status = str(document["status"])
        if (
            status in ("ACTIVE", "INACTIVE")
            and status != self._document.get("status")
            and not self._console.has_terminal
        ):
            self._say(f"{name} (Action): {status} …")
        self._document, self._status = document, status

    def waiting(self, name: str, until: datetime) -> None:
        self._until = until
        if not self._console.has_terminal:
            self._say(f"{name} (Wait): until {until.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} …")

    def note(self, text: str) -> None:
        self._console.say(f"  {self._console.brief(text)}")

    def sleep(self, seconds: float) -> None:
        if not self._console.has_terminal:
            super().sleep(seconds)
            return
        end = time.monotonic() + seconds
        with self._console.live_line():
            while (left := end - time.monotonic()) > 0:
                self._console.live(self._line())
                time.sleep(min(left, TICK_SECONDS))

    def consent(self, document: Mapping[str, Any], provider: Provider) -> bool:
        """Ask the person about an INACTIVE action. Return whether to resume it."""
        found = document.get("details")
        details = found if isinstance(found, Mapping) else {}
        reason = self._console.brief(str(details.get("description") or details.get("code") or "it does not say why"))
        if reason == self._waits_for:
            return False
        self._waits_for = reason
        action_id, name = self._console.brief(str(document.get("action_id"))), self._console.brief(self._name)
        self._console.say(f"The action {action_id} of {name} is waiting: {reason}")
        scope = details.get("required_scope")
        if details.get("code") == "ConsentRequired" and isinstance(scope, str) and isinstance(provider, RemoteProvider):
            return self._ask_for_consent(scope, provider)
        if not self._console.can_ask:
            command = self._resume_command.format(action_id=shlex.quote(action_id), url=_url(provider))
            self._console.say(f"  It continues when someone resumes it: {command}")
            return False
        return self._console.ask("Resume it now? [Y/n]").casefold() not in ("n", "no")

    def _ask_for_consent(self, scope: str, provider: RemoteProvider) -> bool:
        self._console.say(f"  It needs your consent to {self._console.brief(scope)}")
        if not self._console.can_ask or not provider.give_consent(scope):
            self._console.say("  To give it, run the flow at a terminal, logged in and without --token.")
            return False
        return True

    def _say(self, text: str, color: str | None = None) -> None:
        line = " ".join(text.split())  # a state's name may have line breaks
        self._console.say(f"{span(timedelta(seconds=time.monotonic() - self._began)):>7}  {line}", fg=color)

    def _line(self) -> str:
        elapsed = span(timedelta(seconds=time.monotonic() - self._began))
        return f"{elapsed:>7}  {'  '.join(filter(None, (self._name, self._status, self._progress())))}"

    def _progress(self) -> str:
        end = self._until or estimated_completion(self._document)
        if end is not None:
            left = end - datetime.now(UTC)
            return f"about {span(left)} left" if left > timedelta() else "later than expected"
        told = str(self._document.get("display_status") or "")
        return self._console.brief(told) if told != self._status else ""


def _url(provider: Provider) -> str:
    return provider.url if isinstance(provider, RemoteProvider) else ""


class TerminalAnswerer:
    """Answers web inputs: first with the answers given in advance, in order, and then by asking."""

    def __init__(self, console: Console, answers: tuple[str, ...]) -> None:
        self._console = console
        self._answers = list(answers)

    def __call__(self, question: Mapping[str, Any]) -> str | None:
        """Return the Value of the chosen option."""
        options = [option for option in question["Options"] if isinstance(option, Mapping)]
        values = [str(option.get("Value")) for option in options]
        if self._answers:
            return self._answers.pop(0)
        self._show(question.get("Context"))
        for number, option in enumerate(options, 1):
            about = f": {option['Description']}" if option.get("Description") else ""
            label = option.get("Label") or option.get("Value")
            self._console.say(f"  {number}  {self._console.brief(f'{label}{about}')}")
        while True:
            answer = self._console.ask(f"Choose (1-{len(options)})")
            if answer in values:
                return answer
            if answer.isdecimal() and 1 <= int(answer) <= len(options):
                return values[int(answer) - 1]

    def _show(self, context: Any) -> None:
        if not isinstance(context, Mapping):
            return
        if context.get("Title"):
            self._console.say(self._console.brief(str(context["Title"])), bold=True)
        for row in context.get("Rows") or []:
            if isinstance(row, Mapping):
                self._console.say("  " + self._console.brief(f"{row.get('Field')}: {row.get('Value')}"))
