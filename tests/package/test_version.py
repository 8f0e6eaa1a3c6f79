"""The version is the same wherever it is told."""

from __future__ import annotations

import re
from datetime import date

import yaml

import client
from tests.processes import ROOT


def newest_release() -> tuple[str, str]:
    """The version and the date of the newest release in the changelog."""
    found = re.search(r"^## \[(\d+\.\d+\.\d+)\] - (\S+)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert found
    return found[1], found[2]


def test_the_newest_release_in_the_changelog_is_the_version() -> None:
    version, day = newest_release()
    assert version == client.__version__
    assert date.fromisoformat(day).year >= 2026


def test_the_description_of_the_interface_has_the_version() -> None:
    described = yaml.safe_load((ROOT / "openapi.yaml").read_text("utf-8"))
    assert described["info"]["version"] == client.__version__
