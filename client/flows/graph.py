"""Draw a flow as a Mermaid flowchart, or as a tree for a terminal."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from .definition import Definition, provider_of

_SHAPES = {"Choice": ("{", "}"), "Wait": ("([", "])"), "Fail": ("[[", "]]"), "Action": ("[", "]")}
LONGEST_LABEL = 80
DEEPEST = 40


def mermaid(definition: Definition) -> str:
    """Return the flow as a Mermaid flowchart."""
    ids = {name: f"s{index}" for index, name in enumerate(definition.states)}
    lines = ["flowchart TD", f"    start((start)) --> {ids[definition.start]}"]
    for name in definition.states:
        opening, closing = _SHAPES.get(definition.states[name]["Type"], ("(", ")"))
        lines.append(f'    {ids[name]}{opening}"{_escape(name)}<br>{_escape(_about(definition, name))}"{closing}')
    for name in definition.states:
        for target, why in definition.successors(name):
            lines.append(f"    {ids[name]} {_arrow(why)} {ids[target]}")
        if definition.states[name].get("End") is True:
            lines.append(f"    {ids[name]} --> finish((end))")
    return "\n".join(lines)


def tree(definition: Definition) -> str:
    """Return the flow as a tree. A state that was already drawn is only named."""
    lines, drawn = [], set[str]()
    todo: list[tuple[str, str | None, str, str]] = [(definition.start, None, "", "")]
    while todo:
        name, why, first, rest = todo.pop()
        condition = f"[{_shorten(why)}] " if why else ""
        if name in drawn or len(rest) > DEEPEST * 3:
            lines.append(f"{first}{condition}{'↑' if name in drawn else '…'} {_shorten(name)}")
            continue
        drawn.add(name)
        end = " → end" if definition.states[name].get("End") is True else ""
        lines.append(f"{first}{condition}{_shorten(name)} ({_shorten(_about(definition, name))}){end}")
        successors = list(definition.successors(name))
        if len(successors) == 1 and successors[0][1] is None:
            todo.append((*successors[0], rest, rest))
        else:
            branches = [(*each, f"{rest}├─ ", f"{rest}│  ") for each in successors[:-1]]
            branches += [(*each, f"{rest}└─ ", f"{rest}   ") for each in successors[-1:]]
            todo += reversed(branches)
    return "\n".join(lines)


def _about(definition: Definition, name: str) -> str:
    state = definition.states[name]
    if state["Type"] == "Action":
        target = provider_of(state)[0]
        url = urlsplit(target)
        return f"Action {url.netloc}{url.path.rstrip('/')}" if url.netloc else f"Action {target}"
    if state["Type"] == "Wait":
        for field in ("Seconds", "SecondsPath", "Timestamp", "TimestampPath"):
            if state.get(field) is not None:
                return f"Wait {state[field]}{' s' if field == 'Seconds' else ''}"
    return str(state["Type"])


def _arrow(why: str | None) -> str:
    if why is None:
        return "-->"
    return f'-. "{_escape(why)}" .->' if why.startswith("error ") else f'-- "{_escape(why)}" -->'


def _escape(text: str) -> str:
    return re.sub(r'[^\w .,:/$\-=<>≤≥()]|[<>"#]', lambda found: f"#{ord(found[0])};", _shorten(text))


def _shorten(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_LABEL else f"{text[: LONGEST_LABEL - 1]}…"
