"""Turns the screens of a terminal into an animated SVG picture."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from tests.pictures.terminal import COLUMNS, Screen

STEP_SECONDS = 0.25
"""Of the screens within a step, only the last is shown."""

LAST_SECONDS = 6
"""How long the last screen stays before the animation starts again."""

CHARACTER_WIDTH, LINE_HEIGHT, MARGIN = 12.2, 24.4, 20  # those of rich

PICTURE = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{label}">
<style>
text {{ font: 20px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; white-space: pre; }}
.screen {{ visibility: hidden; }}
.screen:last-of-type {{ visibility: visible; }}
@media (prefers-reduced-motion: no-preference) {{
{animations}
}}
</style>
<rect x="0.5" y="0.5" width="{inner_width:g}" height="{inner_height:g}" rx="10" fill="{paper}" stroke="{line}"/>
<g transform="translate({margin} {margin})">
{screens}
</g>
</svg>
"""


@dataclass(frozen=True)
class Theme:
    terminal: TerminalTheme
    line: str


def theme(paper: tuple[int, int, int], ink: tuple[int, int, int], green: tuple[int, int, int], line: str) -> Theme:
    """Return a theme with the few colors that the client uses."""
    return Theme(TerminalTheme(paper, ink, [ink, ink, green, *[ink] * 5]), line)


THEMES = {
    "light": theme((246, 248, 250), (31, 35, 40), (26, 127, 55), "#d1d9e0"),
    "dark": theme((21, 27, 35), (230, 237, 243), (63, 185, 80), "#3d444d"),
}


def animated_svg(recording: Sequence[Screen], theme: Theme, *, label: str) -> str:
    """Return a picture that shows one screen after the other; only the last, if the reader wants no motion."""
    screens = thinned_out(recording)
    end = screens[-1].seconds + LAST_SECONDS
    ends = [*(screen.seconds for screen in screens[1:]), end]
    rows = max(screen.text.count("\n") for screen in screens) + 1
    width, height = COLUMNS * CHARACTER_WIDTH + 2 * MARGIN, rows * LINE_HEIGHT + 2 * MARGIN
    return PICTURE.format(
        width=width,
        height=height,
        inner_width=width - 1,
        inner_height=height - 1,
        margin=MARGIN,
        label=escape(label),
        paper=theme.terminal.background_color.hex,
        line=theme.line,
        animations="\n".join(
            animation(number, screen.seconds / end, until / end, end)
            for number, (screen, until) in enumerate(zip(screens, ends, strict=True))
        ),
        screens="\n".join(drawn(number, screen, theme) for number, screen in enumerate(screens)),
    )


def thinned_out(recording: Sequence[Screen]) -> list[Screen]:
    """Return the last screen of each step."""
    return list({int(screen.seconds / STEP_SECONDS): screen for screen in recording}.values())


def animation(number: int, start: float, end: float, seconds: float) -> str:
    """Return the CSS that shows a screen from one share of the time to another."""
    before = "" if start == 0 else "0% { visibility: hidden; } "
    after = "" if end == 1 else f" {end:.2%} {{ visibility: hidden; }}"
    return (
        f"#screen-{number} {{ animation: show-{number} {seconds:.2f}s step-end infinite; }}\n"
        f"@keyframes show-{number} {{ {before}{start:.2%} {{ visibility: visible; }}{after} }}"
    )


def drawn(number: int, screen: Screen, theme: Theme) -> str:
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    console.print(Text.from_ansi(screen.text))
    drawing = console.export_svg(
        theme=theme.terminal, unique_id=f"s{number}", code_format="<style>{styles}</style>\n{matrix}"
    )
    drawing = re.sub(r" clip-path=.*?(?=>)|<text [^>]*>\s*</text>", "", drawing)
    return f'<g class="screen" id="screen-{number}">{drawing}</g>'
