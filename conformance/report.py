"""The report, as text and as JSON. It contains no token."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from conformance.exchange import HIDDEN, SHORTEST_TOKEN
from conformance.response import shorten
from conformance.rule import Outcome, Result, Rule
from conformance.sources import API_NAME, API_URL, GUIDE_NAME, GUIDE_URL
from conformance.suite import Report

LEGEND = f"The interface: {API_NAME}, {API_URL};\n{GUIDE_NAME}, {GUIDE_URL}"

SHOWN = 3
"""How many responses of a finding are shown."""


def hide(text: str, tokens: Iterable[str | None]) -> str:
    """Return `text` without these tokens."""
    for token in tokens:
        text = text.replace(token, HIDDEN) if token and len(token) >= SHORTEST_TOKEN else text
    return text


def as_text(report: Report) -> str:
    """Return one line per rule; below each rule that is not ok, what was found and what the interface says."""
    lines = [f"Conformance of {report.url}", LEGEND]
    for section, group in groupby(report.results, key=lambda result: result.rule.section):
        lines += ["", section, *(line for result in group for line in _lines(result))]
    lines += ["", summary(report)]
    if report.other_token_problem:
        lines.append(f"What other users can do was not checked: {report.other_token_problem}.")
    if report.not_released:
        lines.append(f"These actions could not be released: {', '.join(map(shorten, report.not_released))}")
    return "\n".join(lines)


def _lines(result: Result) -> Iterator[str]:
    yield f"  {result.outcome:<8} {result.rule.title}"
    for finding in result.findings:
        yield f"             {finding.outcome}: {finding.message}"
        yield from (f"               {response}" for response in finding.responses[:SHOWN])
    if result.reason:
        yield f"             not checked{' to the end' if result.findings else ''}: {result.reason}"
    if result.findings:
        yield f"             The interface: {result.rule.demand}"
        yield f"             See: {result.rule.source}"


def count(results: Iterable[Result]) -> dict[str, int]:
    """Return how many rules had each outcome."""
    found = Counter(result.outcome for result in results)
    return {outcome.value: found[outcome] for outcome in Outcome}


def summary(report: Report) -> str:
    """Return the last line of the report: the counts and what they mean."""
    found = count(report.results)
    numbers = ", ".join(f"{number} {name}" for name, number in found.items())
    if report.stopped:
        return f"{numbers}. Not all rules could be checked: {report.stopped}"
    if found[Outcome.WRONG]:
        return f"{numbers}. The provider deviates from the interface."
    more = ", as far as it was checked" if found[Outcome.SKIPPED] else ""
    return f"{numbers}. The provider conforms to the interface{more}."


def as_json(report: Report) -> str:
    """Return the report for programs. `conforms` is null if the run ended early without anything WRONG."""
    has_wrong = bool(count(report.results)[Outcome.WRONG])
    document = {
        "action_url": report.url,
        "conforms": None if report.stopped and not has_wrong else not has_wrong,
        "count": count(report.results),
        "stopped": report.stopped or None,
        "other_token_problem": report.other_token_problem or None,
        "not_released": list(report.not_released),
        "rules": [_entry(result) for result in report.results],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _entry(result: Result) -> dict[str, object]:
    findings = [
        {
            "outcome": finding.outcome,
            "says": finding.message,
            "exchanges": [str(response) for response in finding.responses],
        }
        for finding in result.findings
    ]
    return {
        "rule": result.rule.name,
        "title": result.rule.title,
        "section": result.rule.section,
        "outcome": result.outcome,
        "demand": result.rule.demand,
        "source": result.rule.source,
        "findings": findings,
        "reason": result.reason or None,
    }


def rule_list(rules: Sequence[Rule]) -> str:
    """Return the rules as a Markdown list, as in docs/conformance.md."""
    lines: list[str] = []
    for section, group in groupby(rules, key=lambda rule: rule.section):
        lines += ["", f"### {section}", "", *(f"- **{rule.title}.** {rule.demand} *{rule.source}*" for rule in group)]
    return "\n".join(lines[1:])
