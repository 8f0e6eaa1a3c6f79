"""JSONPath: reading and writing, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from client.flows.errors import PathError
from client.flows.paths import compile_path, compile_result_path, put

DATA = {"a": {"b-c": [1, {"x": 2}], "items": [1, 2, 3]}, "x y": 4}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$", DATA),
        ("$.", DATA),
        ("$.a.b-c[1].x", 2),
        ("$['x y']", 4),
        ("$.a.items[-1]", 3),
        ("$.a.items[1:]", [2, 3]),
        ("$.a.items[*]", [1, 2, 3]),
        ("$..x", [2]),
        ("$.a.nope[*]", []),
    ],
)
def test_a_path_finds_a_value_or_a_list_of_them(path: str, value: Any) -> None:
    assert compile_path(path).find(DATA) == value


def test_a_definite_path_that_leads_nowhere_is_an_error() -> None:
    for path in ("$.nope", "$.a.items[3]", "$.a.items.x"):
        with pytest.raises(LookupError):
            compile_path(path).find(DATA)
    assert compile_path("$").find(7) == 7
    with pytest.raises(LookupError):
        compile_path("$.a").find(7)


@pytest.mark.parametrize(
    "path",
    [
        "a.b",
        "",
        "$.a[?@.b]",
        "$.a[?match(@, '(a+)+b')]",
        "$..a..b",
        "$.a[",
        "$['a','b']",
        "$[0,0]",
        "$" + ".a" * 51,
        "$.a" * 500,
        "$.a | $.b",
    ],
)
def test_what_is_not_a_path_or_could_run_for_long_is_refused(path: str) -> None:
    with pytest.raises(PathError):
        compile_path(path)


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("$", 9),
        ("$.new.deep", {**DATA, "new": {"deep": 9}}),
        ("$.new[0].deep", {**DATA, "new": [{"deep": 9}]}),
        ("$.a.items[3]", {**DATA, "a": {**DATA["a"], "items": [1, 2, 3, 9]}}),  # type: ignore[dict-item]
        ("$.a.items[0]", {**DATA, "a": {**DATA["a"], "items": [9, 2, 3]}}),  # type: ignore[dict-item]
    ],
)
def test_a_result_is_put_where_the_path_points_and_the_data_stays(path: str, wanted: Any) -> None:
    before = repr(DATA)
    assert put(DATA, compile_result_path(path), 9) == wanted
    assert repr(DATA) == before


@pytest.mark.parametrize("path", ["$.a.items[4]", "$.new[1]", "$['x y'].b", "$.a.items.b"])
def test_a_result_has_nowhere_to_go(path: str) -> None:
    with pytest.raises(LookupError):
        put(DATA, compile_result_path(path), 9)


@pytest.mark.parametrize("path", ["$.a[*]", "$.a[1:]", "$..a", "$._context.x", "$._context"])
def test_a_result_path_names_one_place_outside_of_the_context(path: str) -> None:
    with pytest.raises(PathError):
        compile_result_path(path)
