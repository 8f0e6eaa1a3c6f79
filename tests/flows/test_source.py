"""Reading definitions: JSON and YAML, the lines of their parts, and limits."""

from __future__ import annotations

from pathlib import Path

import pytest

from client.flows.errors import DefinitionError
from client.flows.source import MOST_VALUES, from_data, read_file, read_text

ALIASES = "a: &a [x,x]\n" + "".join(
    f"{c}: &{c} [{','.join([f'*{b}'] * 9)}]\n" for b, c in zip("abcdefg", "bcdefgh", strict=True)
)

MERGES = "a: &a {x: 1}\n" + "".join(
    f"{c}: &{c} {{<<: [{','.join([f'*{b}'] * 9)}]}}\n" for b, c in zip("abcdefg", "bcdefgh", strict=True)
)


@pytest.mark.parametrize(
    "text",
    ['{\n\t"a": {\n\t\t"b": [1,\n\t\t2]}\n}', "# a comment\na:\n  b:\n  - 1\n  - 2", "{\na:\n {b: [1,\n 2]}}"],
    ids=["json with tabs", "yaml", "yaml in braces"],
)
def test_each_part_has_its_line(text: str) -> None:
    source = read_text(text)
    assert source.data == {"a": {"b": [1, 2]}}
    assert "1" in text.splitlines()[(source.line(("a", "b", 0)) or 0) - 1]
    assert source.line(("a",)) == 2
    assert source.line(("a", "b", 1, "c")) == source.line(("a", "b", 1))


def test_a_key_that_appears_twice_is_found_in_both_formats() -> None:
    for text in ('{"a": 1,\n"a": 2}', "a: 1\na: 2\n"):
        (finding,) = read_text(text).findings
        assert str(finding) == "line 2: 'a' appears twice; the last one counts."
        assert read_text(text).data == {"a": 2}


def test_yaml_has_only_the_values_of_json() -> None:
    assert read_text("a: 2030-01-31\nb: ~\nc: 1.5").data == {"a": "2030-01-31", "b": None, "c": 1.5}
    for text in ("1: a", "a: !!binary aGVsbG8=", "a: !!python/object:os.system x", "? [a]\n: b"):
        with pytest.raises(DefinitionError):
            read_text(text)


def test_anchors_and_merged_mappings_are_resolved() -> None:
    text = "base: &base {WaitTime: 60}\na:\n  <<: *base\n  Type: Action\n"
    assert read_text(text).data["a"] == {"WaitTime": 60, "Type": "Action"}
    assert read_text("b: &b {x: 1, y: 2}\na: {<<: [{x: 3}, *b], y: 4}\n").data["a"] == {"x": 3, "y": 4}
    with pytest.raises(DefinitionError, match="merges mappings only"):
        read_text("a: {<<: [1]}")


def test_an_emoji_in_json_survives() -> None:
    assert read_text('{"a": "\\u2705 \\ud83d\\ude00"}').data == {"a": "✅ 😀"}


def test_a_file_named_json_must_be_json(tmp_path: Path) -> None:
    (tmp_path / "flow.json").write_text('{"a": 1,\n"b" 2}')
    with pytest.raises(DefinitionError, match="line 2: It is not JSON"):
        read_file(tmp_path / "flow.json")
    (tmp_path / "flow.yaml").write_bytes(b"a: \xff")
    with pytest.raises(DefinitionError, match="UTF-8"):
        read_file(tmp_path / "flow.yaml")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[" * 100_000, "nested deeper"),
        ('{"a":' * 5000 + "1" + "}" * 5000, "nested deeper"),
        ("- " * 20_000 + "x", "nested deeper"),
        ("a: &a [*a]", "nested deeper"),
        (ALIASES, "more than"),
        (MERGES, "more than"),
        (f"[{'1,' * MOST_VALUES}1]", "more than"),
        ('{"a": NaN', "not"),
        ("a: [", "not YAML"),
    ],
    ids=["lists", "objects", "yaml", "itself", "aliases", "merges", "many", "cut off", "open"],
)  # fmt: skip
def test_hostile_documents_end_in_a_clear_error(text: str, told: str) -> None:
    with pytest.raises(DefinitionError, match=told):
        read_text(text)


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "flow.json").write_text(" " * 1_000_001)
    with pytest.raises(DefinitionError, match="larger than"):
        read_file(tmp_path / "flow.json")


def test_data_in_memory_must_be_json() -> None:
    assert from_data({"a": (1, None)}).data == {"a": [1, None]}
    for data in ({1: 2}, {"a": object()}, {"a": {1, 2}}):
        with pytest.raises(DefinitionError, match="JSON values"):
            from_data(data)
