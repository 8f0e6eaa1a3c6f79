"""Rules of the interface, and the findings that checking one produces."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from conformance.errors import NoResponse, NotJSON, RateLimited, Skip
from conformance.response import Response

if TYPE_CHECKING:
    from conformance.provider import ProviderUnderTest


class Outcome(StrEnum):
    OK = "ok"
    WRONG = "WRONG"
    WARNING = "warning"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """Something the interface forbids (WRONG) or advises against (WARNING), with the responses that show it."""

    outcome: Outcome
    message: str
    responses: tuple[Response, ...] = ()


def wrong(message: str, *responses: Response) -> Finding:
    return Finding(Outcome.WRONG, message, responses)


def warning(message: str, *responses: Response) -> Finding:
    return Finding(Outcome.WARNING, message, responses)


Check = Callable[["ProviderUnderTest"], Iterator[Finding]]


@dataclass(frozen=True)
class Rule:
    """A rule: `name` is its id, `title` a sentence, `demand` what the interface requires, `source` where it says so."""

    section: str
    name: str
    title: str
    demand: str
    source: str
    check: Check


@dataclass(frozen=True)
class Result:
    """What checking a rule found; `reason` says why it was skipped."""

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
"""All rules, in the order in which they are checked."""


def rule(section: str, source: str, *, title: str = "") -> Callable[[Check], Check]:
    """Register a generator of findings as a rule.

    Its name is the rule's id, and its docstring is what the interface requires.

    :param title: the rule as a sentence; by default, the words of its name.
    """

    def register(check: Check) -> Check:
        words = check.__name__.replace("_", " ").replace("json", "JSON")
        sentence = title or words[0].upper() + words[1:]
        demand = " ".join((inspect.getdoc(check) or "").split())
        RULES.append(Rule(section, check.__name__, sentence, demand, source, check))
        return check

    return register


def check_rule(rule: Rule, provider: ProviderUnderTest) -> Result:
    """Check one rule. A request without any response is WRONG; a response that breaks the check itself is reported.

    :raises RateLimited: the provider does not let the suite go on.
    """
    findings: list[Finding] = []
    try:
        findings.extend(rule.check(provider))
    except Skip as skip:
        return Result(rule, tuple(findings), str(skip))
    except NoResponse as error:
        findings.append(wrong(str(error)))
    except NotJSON as error:
        findings.append(wrong(f"a response is not JSON: {error}"))
    except RateLimited:
        raise
    except Exception as error:
        return Result(rule, tuple(findings), f"the check stumbled over a response ({type(error).__name__}: {error})")
    return Result(rule, tuple(findings))
