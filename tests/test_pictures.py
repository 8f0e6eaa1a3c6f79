"""The pictures of the docs, and the recording that script/pictures makes them from."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.pictures.__main__ import COMMAND
from tests.pictures.animation import LAST_SECONDS, THEMES, animated_svg
from tests.pictures.terminal import Screen, visible
from tests.processes import ROOT

IMAGES = ROOT / "docs" / "images"
SVG = "{http://www.w3.org/2000/svg}"
RECORDING = [
    Screen(0, "$ "),
    Screen(0.4, "$ go\n10%"),
    Screen(0.45, "$ go\n11%"),
    Screen(2, "$ go\n\x1b[32mdone\x1b[0m"),
]


def screens(svg: str) -> list[str]:
    """Return the text of each screen of a picture."""
    groups = ElementTree.fromstring(svg).iterfind(f".//{SVG}g[@class='screen']")
    lines = [[text.text or "" for text in group.iter(f"{SVG}text")] for group in groups]
    return ["\n".join(each).replace("\xa0", " ") for each in lines]


def test_erased_text_is_not_in_the_picture() -> None:
    assert visible("$ go\r\n\r\x1b[K10%\r\x1b[K20%\r\x1b[Kdone\r\n$ ") == "$ go\ndone\n$ "


@pytest.mark.parametrize("name", THEMES)
def test_of_screens_that_follow_each_other_quickly_only_the_last_is_drawn(name: str) -> None:
    assert screens(animated_svg(RECORDING, THEMES[name], label="go")) == ["$ ", "$ go\n11%", "$ go\ndone"]


def test_the_last_screen_stays_longest_and_is_the_only_one_without_motion() -> None:
    picture = animated_svg(RECORDING, THEMES["light"], label="go")
    still, moving = picture.split("@media (prefers-reduced-motion: no-preference)")
    assert ".screen { visibility: hidden; }\n.screen:last-of-type { visibility: visible; }" in still
    assert "animation" not in still
    assert f"#screen-2 {{ animation: show-2 {2 + LAST_SECONDS:.2f}s" in moving
    assert "show-2 { 0% { visibility: hidden; } 25.00% { visibility: visible; } }" in moving


@pytest.mark.parametrize("path", [IMAGES / f"run-watch-{name}.svg" for name in THEMES], ids=lambda path: path.name)
def test_the_picture_of_the_command_shows_it_from_the_prompt_to_the_result(path: Path) -> None:
    first, second, *_, last = screens(path.read_text(encoding="utf-8"))
    assert first.startswith("$ ")
    assert second.startswith(f"$ {COMMAND}\n")
    assert "SUCCEEDED after 0:05." in last
    assert '"whattimeisit"' in last


@pytest.mark.parametrize("name", ["docs-page-light.png", "docs-page-dark.png", *(f"run-watch-{n}.svg" for n in THEMES)])
def test_each_picture_loads_quickly(name: str) -> None:
    assert 5_000 < (IMAGES / name).stat().st_size < 205_000
