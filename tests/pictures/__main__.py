"""Make each picture of docs/images, light and dark: python -m tests.pictures FOLDER"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.pictures.animation import THEMES, animated_svg
from tests.pictures.screenshot import SCHEMES, docs_page
from tests.pictures.terminal import record
from tests.processes import RunningProvider, running_provider

COMMAND = """globus-action run --body '{"utc_offset": 5.75}' --watch"""


def make_pictures(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with running_provider(MIN_SECONDS="5", MAX_SECONDS="5", FAILURE_RATE="0") as provider:
        save_animations(provider, folder)
        save_screenshots(provider, folder)


def save_animations(provider: RunningProvider, folder: Path) -> None:
    environment = {"ACTION_URL": provider.url, "ACTION_TOKEN": "local-token-alice", **provider.environment}
    with tempfile.TemporaryDirectory() as home:
        recording = record(COMMAND, environment, Path(home))
    for name, theme in THEMES.items():
        picture = animated_svg(recording, theme, label=f"A terminal that runs: {COMMAND}")
        (folder / f"run-watch-{name}.svg").write_text(picture, encoding="utf-8")


def save_screenshots(provider: RunningProvider, folder: Path) -> None:
    with tempfile.TemporaryDirectory() as profile:
        for scheme, picture in zip(SCHEMES, docs_page(provider, Path(profile)), strict=True):
            (folder / f"docs-page-{scheme}.png").write_bytes(picture)


if __name__ == "__main__":
    make_pictures(Path(sys.argv[1]))
