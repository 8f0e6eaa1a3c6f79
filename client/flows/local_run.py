"""One run of `flow run`, from its options to its exit code."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from .bridge import FAILED, INTERRUPTED, USAGE, Console, Refusal, output, read_input
from .check import require_right
from .definition import Definition
from .errors import ProviderError
from .journal import Journal, JournalError
from .options import ProviderOptions
from .parameters import TOKENS
from .run import Run
from .runner import FlowRunner
from .source import read_file
from .view import TerminalAnswerer, View


@dataclass
class LocalRun:
    """A new run, or the continuation of one."""

    console: Console
    runner: FlowRunner
    journal: Journal | None
    data: dict[str, Any]
    label: str

    @classmethod
    def new(
        cls,
        console: Console,
        options: ProviderOptions,
        definition: Definition,
        *,
        given: str | None,
        log: Path | None,
        label: str,
        **more: Any,
    ) -> LocalRun:
        """Return a new run.

        :raises DefinitionError: the definition is invalid.
        :raises Refusal: the log belongs to a run that has not ended.
        """
        data = read_input(given, "--input") if given is not None else {}
        runner = _runner(console, options, definition, data, (), **more)
        journal = None
        if log is not None:
            try:
                journal = Journal.start(log, definition, {"redirects": options.redirects, "label": label})
            except JournalError as error:
                raise Refusal(str(error), USAGE) from error
            runner.write, runner.save = journal.write, journal.save
        return cls(console, runner, journal, data, label)

    @classmethod
    def continued(cls, console: Console, options: ProviderOptions, log_file: Path, **given: Any) -> LocalRun:
        """Return the interrupted run that wrote a log.

        :raises Refusal: there is nothing to continue.
        """
        try:
            journal = Journal.open(log_file)
        except JournalError as error:
            raise Refusal(str(error), USAGE) from error
        known = journal.position.data if journal.position is not None else None
        data = known if isinstance(known, dict) else {}
        more = {name: given[name] for name in ("schema", "keep", "context", "answers")}
        runner = _runner(console, options, journal.definition, data, journal.options.get("redirects", ()), **more)
        runner.write, runner.save = journal.write, journal.save
        return cls(console, runner, journal, data, "")

    def execute(self) -> int:
        """Run to the end, and return the exit code."""
        try:
            if self.journal is not None and self.journal.position is not None:
                return self._finish(self.runner.resume(self.journal.position))
            return self._finish(self.runner.run(self.data, label=self.label))
        except KeyboardInterrupt:
            self._interrupted()
            raise click.exceptions.Exit(INTERRUPTED) from None

    def _finish(self, run: Run) -> int:
        self.console.say(f"{run.status}: run {run.run_id}", fg="green" if run.succeeded else "red")
        output.write(output.as_json(run.details["output"] if run.succeeded else run.details))
        return 0 if run.succeeded else FAILED

    def _interrupted(self) -> None:
        position = self.runner.position
        self.console.say("\nStopped.")
        if position is None:
            return
        if position.action_id is not None:
            question = f"Cancel the action of {position.state}, and the run with it? [y/N]"
            if self.console.can_ask and self.console.ask(question).casefold() in ("y", "yes"):
                self._cancel()
                return
            url = getattr(self.runner.provider(position.state), "url", "")
            action_id = shlex.quote(self.console.brief(position.action_id))
            self.console.say(f"The action continues. Cancel it:  {_command()} cancel --action-url {url} {action_id}")
        if self.journal is not None:
            self.console.say(f"Continue the run:  {_command()} flow run --continue {self.journal.path}")

    def _cancel(self) -> None:
        try:
            self.runner.cancel()
            self.console.say("The action and the run were canceled.")
        except ProviderError as error:
            self.console.say(f"The action could not be canceled: {error}", fg="red")


def _runner(
    console: Console,
    options: ProviderOptions,
    definition: Definition,
    data: Mapping[str, Any],
    redirects: tuple[str, ...],
    *,
    schema: Path | None,
    context: str | None,
    answers: tuple[str, ...],
    keep: bool,
) -> FlowRunner:
    view = View(console, resume_command=f"{_command()} resume {{action_id}} --action-url {{url}}")
    require_right(definition)
    tokens = data.get(TOKENS)
    providers = options.providers(
        console, definition, more_redirects=redirects, tokens=tokens if isinstance(tokens, Mapping) else None
    )
    runner = FlowRunner(
        definition,
        providers,
        clock=view,
        observer=view,
        consent=view.consent,
        answer=TerminalAnswerer(console, answers),
        context=read_input(context, "--context") if context else None,
        input_schema=read_file(schema).data if schema else None,
        keep=keep,
    )
    runner.prepare = providers.prepare
    return runner


def _command() -> str:
    return str(click.get_current_context().find_root().info_name)
