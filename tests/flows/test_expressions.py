"""Expressions: what public flows use works, JSON keys are never Python attributes, and limits hold."""

from __future__ import annotations

import time
from typing import Any

import pytest

from client.flows.errors import ExpressionError
from client.flows.expressions import parse

DATA: dict[str, Any] = {
    "n": 5,
    "text": "abc/def/",
    "d": {"items": [1, 2], "a-b": 3, "keys": "k", "__class__": "mine"},
    "list": [{"name": "x", "size": 1}, {"name": "y", "size": 2}],
    "true": "shadowed",
    "_private_x": 7,
    "_context": {"run_id": "run"},
}

RIGHT: list[tuple[str, Any]] = [
    ("n + 1", 6),
    ("d.items", [1, 2]),
    ("d.items[1:]", [2]),
    ("d.keys", "k"),
    ("d['__class__']", "mine"),
    ("list[-1].name", "y"),
    ("'/' + _context.run_id + '/'", "/run/"),
    ("_private_x", 7),
    ("true", "shadowed"),
    ("[True, None, false, null]", [True, None, False, None]),
    ("`$.d.a-b` + 1", 4),
    ("(`$.none` or 1) if False else 2", 2),
    ("'a `$.quoted` path'", "a `$.quoted` path"),
    ("'two\nlines'", "two\nlines"),
    ("\n  n\n", 5),
    ("[i.name + '!' for i in list if i.size > 1]", ["y!"]),
    ("[a + b for a in d.items for b in d.items]", [2, 3, 3, 4]),
    ("{'k': n, **{'m': 1}}", {"k": 5, "m": 1}),
    ("{i.name: i.size for i in list}", {"x": 1, "y": 2}),
    ("(1, 2)", [1, 2]),
    ("'x' if n == 5 and not n > 6 else 'y'", "x"),
    ("'name' in list[0] and 'z' not in text", True),
    ("text.rstrip('/').rpartition('/')[2]", "def"),
    ("text.split('/')[-2]", "def"),
    ("text.endswith('/')", True),
    ("'-'.join([i.name for i in list]).upper()", "X-Y"),
    ("text.replace('/', '-')", "abc-def-"),
    ("str(n) + str(1.5) + str(len(list))", "51.52"),
    ("int('7') + float('0.5')", 7.5),
    ("f'{n} of {len(list)}'", "5 of 2"),
    ("'%s of %d' % (n, 2)", "5 of 2"),
    ("d.get('nope', 9)", 9),
    ("pathsplit('/a/b')", ["/a", "b"]),
    ("pathsplit('/a')", ["/", "a"]),
    ("pathsplit('a')", ["", "a"]),
    ("pathsplit('/~/a')", ["/~/", "a"]),
    ("pathsplit('/~/')", ["/~/", ""]),
    ("is_present('list[0].name')", True),
    ("is_present('list[9].name')", False),
    ("getattr('d.none', default=null)", None),
    ("getattr('list[0].name', 'z')", "x"),
    ("getattr('nope')", None),
    ("nope if is_present('nope') else 10", 10),
    ("[False] * len(list) == [i.size > 9 for i in list]", True),
    ("n is not None", True),
    ("-n % 3 // 1 ** 2", 1),
]


@pytest.mark.parametrize(("text", "value"), RIGHT, ids=[text for text, _ in RIGHT])
def test_an_expression_has_its_value(text: str, value: Any) -> None:
    assert parse(text).evaluate(DATA) == value


WRONG: list[tuple[str, str]] = [
    ("nope", "The name 'nope' is not defined."),
    ("d.nope", "There is no field 'nope'."),
    ("n.real", "A number has no field 'real'."),
    ("text.nope", "A string has no field 'nope'."),
    ("list[7]", "There is no item"),
    ("`$.nope`", "The path '$.nope' could not be found"),
    ("1 / 0", "division by zero"),
    ("'a' + 1", "TypeError"),
    ("1e999", "not a finite number"),
    ("{1: 2}", "A key is not a string."),
    ("n +", "It is not an expression"),
    (" ", "empty"),
    ("list.get('x')", "A list has no method 'get'"),
]
"""What is wrong when it is parsed or evaluated."""

ATTACKS: list[str] = [
    "().__class__.__bases__[0].__subclasses__()",
    "d.__class__",
    "text.format(n)",
    "'{0.__class__}'.format(n)",
    "text.format_map(d)",
    "text.encode().decode()",
    "d.get.__self__",
    "list.append(1)",
    "d.update(d)",
    "__import__('os').system('true')",
    "open('/etc/passwd')",
    "print(1)",
    "eval('1')",
    "(lambda: 1)()",
    "(x := 1)",
    "getattr(d, '__class__')",
    "[x.__class__ for x in list]",
    "len.__self__",
    "f'{n:>100000000}'",
    "'%100000000d' % 1",
    "len(**d)",
]

BOMBS: list[str] = [
    "9**9**9",
    "9**4000",
    "1 << 100000000",
    "'a' * 10**9",
    "[0] * 10**9",
    "'a'.replace('', 'b' * 100000) * 100",
    "','.join(['x' * 100000] * 1000)",
    "[[i, j] for i in big for j in big]",
    "[[x for x in big] for y in big]",
    "[big == other for i in big]",
    "[(big == other) for i in big[:9000] if big == other]",
    "[[big] * 5] * 40000 == [[other] * 5] * 40000",
    "[text.count('a') for i in big for text in ['a' * 100000]]",
    "[i.upper() * 100 for i in ['x' * 1900] * 9000]",
    "str([big] * 10000)",
    "'%s' % [big] * 10000",
    "f'{[big] * 10000}'",
    "[[big] * 100] * 100",
    "int('9' * 100000)",
    "[getattr('big[*].x') for i in big[:9000]]",
    "[`$..x` for i in big[:9000]]",
    "(" * 150 + "1" + ")" * 150 + "+" + "+".join(["1"] * 4000),
    "-" * 9000 + "1",
    "not " * 2400 + "1",
    "n" + "[0]" * 3000,
    "d" + ".a" * 4000,
    "[" * 5000,
    "1" * 10_001,
]


@pytest.mark.parametrize(("text", "told"), WRONG, ids=[text for text, _ in WRONG])
def test_an_invalid_expression_says_what_is_wrong(text: str, told: str) -> None:
    with pytest.raises(ExpressionError, match=told.replace("(", r"\(").replace("[", r"\[").replace("$", r"\$")):
        parse(text).evaluate(DATA)


@pytest.mark.parametrize("text", ATTACKS)
def test_no_expression_reaches_beyond_json(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse(text).evaluate(DATA)


@pytest.mark.parametrize("text", BOMBS, ids=[text[:40] for text in BOMBS])
def test_no_expression_runs_or_grows_for_long(text: str) -> None:
    began = time.thread_time()
    with pytest.raises(ExpressionError):
        parse(text).evaluate({**DATA, "big": [*range(15_000)], "other": [*range(15_000)]})
    assert time.thread_time() - began < 20


def test_the_data_is_not_changed_by_what_an_expression_returns() -> None:
    data: dict[str, Any] = {"l": [1]}
    value = parse("[l, l]").evaluate(data)
    value[0].append(2)
    assert data == {"l": [1]}
