"""What was found, for people and as JSON. No token is in it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from conformance.rule import Outcome, Result, Rule
from conformance.sources import API_NAME, API_URL, GUIDE_NAME, GUIDE_URL
from conformance.wire import HIDDEN, SHORTEST_TOKEN, shorten

LEGEND = f"The interface: {API_NAME}, {API_URL};\n{GUIDE_NAME}, {GUIDE_URL}"

SHOWN = 3
"""How many exchanges of a finding are shown."""


def hide(text: str, tokens: Iterable[str | None]) -> str:
    """`text` without these tokens."""
    for token in tokens:
        text = text.replace(token, HIDDEN) if token and len(token) >= SHORTEST_TOKEN else text
    return text


def as_text(url: str, results: Sequence[Result], left: Sequence[str]) -> str:
    """A line a rule, and below those that were not kept what was done, what came back, and what is asked where."""
    lines = [f"Conformance of {url}", LEGEND]
    for section, group in groupby(results, key=lambda result: result.rule.section):
        lines += ["", section, *(line for result in group for line in _lines(result))]
    lines += ["", summary(results)]
    if left:
        lines.append(f"These actions were started and could not be released: {', '.join(map(shorten, left))}")
    return "\n".join(lines)


def _lines(result: Result) -> Iterator[str]:
    yield f"  {result.outcome:<8} {result.rule.title}"
    for finding in result.findings:
        yield f"             {finding.outcome}: {finding.says}"
        yield from (f"               {answer}" for answer in finding.answers[:SHOWN])
    if result.reason:
        yield f"             not tried{' to the end' if result.findings else ''}: {result.reason}"
    if result.findings:
        yield f"             The interface: {result.rule.demand}"
        yield f"             See: {result.rule.source}"


def count(results: Iterable[Result]) -> dict[str, int]:
    found = Counter(result.outcome for result in results)
    return {outcome.value: found[outcome] for outcome in Outcome}


def summary(results: Sequence[Result]) -> str:
    found = count(results)
    numbers = ", ".join(f"{number} {name}" for name, number in found.items())
    if found[Outcome.WRONG]:
        return f"{numbers}. The provider deviates from the interface."
    more = ", as far as it was tried" if found[Outcome.SKIPPED] else ""
    return f"{numbers}. The provider keeps to the interface{more}."


def as_json(url: str, results: Sequence[Result], left: Sequence[str]) -> str:
    document = {
        "action_url": url,
        "conforms": not count(results)[Outcome.WRONG],
        "count": count(results),
        "not_released": list(left),
        "rules": [_entry(result) for result in results],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _entry(result: Result) -> dict[str, object]:
    findings = [
        {"outcome": finding.outcome, "says": finding.says, "exchanges": [str(answer) for answer in finding.answers]}
        for finding in result.findings
    ]
    return {
        "rule": result.rule.name,
        "section": result.rule.section,
        "outcome": result.outcome,
        "demand": result.rule.demand,
        "source": result.rule.source,
        "findings": findings,
        "reason": result.reason or None,
    }


def rule_list(rules: Iterable[Rule]) -> str:
    """The rules as a Markdown list, as docs/conformance.md has it."""
    lines: list[str] = []
    for section, group in groupby(rules, key=lambda rule: rule.section):
        lines += ["", f"### {section}", "", *(f"- **{rule.title}.** {rule.demand} *{rule.source}*" for rule in group)]
    return "\n".join(lines[1:])
