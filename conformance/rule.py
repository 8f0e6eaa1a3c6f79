"""Rules of the interface, what is found when one is tried, and the trying."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from conformance.wire import Answer, NoAnswer, NotJSON

if TYPE_CHECKING:
    from conformance.subject import Subject


class Outcome(StrEnum):
    OK = "ok"
    WRONG = "WRONG"
    WARNING = "warning"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """Something that the interface forbids (WRONG), or advises against (WARNING), with the exchanges that show it."""

    outcome: Outcome
    says: str
    answers: tuple[Answer, ...] = ()


def wrong(says: str, *answers: Answer) -> Finding:
    return Finding(Outcome.WRONG, says, answers)


def warning(says: str, *answers: Answer) -> Finding:
    return Finding(Outcome.WARNING, says, answers)


class Skip(Exception):
    """A rule cannot be tried on this provider; says why."""


Check = Callable[["Subject"], Iterator[Finding]]


@dataclass(frozen=True)
class Rule:
    """`demand` is what the interface asks, in our words; `source` is where it says so."""

    section: str
    name: str
    demand: str
    source: str
    check: Check

    @property
    def title(self) -> str:
        words = self.name.replace("_", " ").replace("json", "JSON")
        return words[0].upper() + words[1:]


@dataclass(frozen=True)
class Result:
    """What came of a rule; `reason` is why it was skipped."""

    rule: Rule
    findings: tuple[Finding, ...] = ()
    reason: str = ""

    @property
    def outcome(self) -> Outcome:
        outcomes = {finding.outcome for finding in self.findings}
        if Outcome.WRONG in outcomes:
            return Outcome.WRONG
        if self.reason:
            return Outcome.SKIPPED
        return Outcome.WARNING if outcomes else Outcome.OK


RULES: list[Rule] = []
"""All of them, in the order in which they are tried."""


def rule(section: str, source: str) -> Callable[[Check], Check]:
    """A generator of findings becomes a rule: its name is the rule's sentence, its docstring what is demanded."""

    def register(check: Check) -> Check:
        RULES.append(Rule(section, check.__name__, " ".join(inspect.getdoc(check).split()), source, check))  # type: ignore[union-attr]
        return check

    return register


def try_rule(rule: Rule, subject: Subject) -> Result:
    """Try it. No answer at all is wrong; a check that stumbles over an answer that nobody thought of says so."""
    findings: list[Finding] = []
    try:
        findings.extend(rule.check(subject))
    except Skip as skip:
        return Result(rule, tuple(findings), str(skip))
    except NoAnswer as error:
        findings.append(wrong(str(error)))
    except NotJSON as error:
        findings.append(wrong(f"an answer is no JSON: {error}"))
    except Exception as error:
        return Result(rule, tuple(findings), f"the check stumbled over an answer ({type(error).__name__}: {error})")
    return Result(rule, tuple(findings))
