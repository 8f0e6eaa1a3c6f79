"""The check of the package's long description, which PyPI shows without the pages next to it."""

from __future__ import annotations

import pytest

from tests.package.contents import broken_links
from tests.processes import ROOT


@pytest.mark.parametrize(
    "text",
    [
        "See [flows](flows.md).",
        "See [flows](<flows.md>) and [more](https://example.org).",
        '![picture](pictures/a.png "a title")',
        "See [flows][].\n\n[flows]: flows.md",
        '<img src="a.png">',
        "<a href=flows.md>",
        "# Log in\n\nSee [below](#log-out).",
        "See [this](http://example.org/).",
    ],
)
def test_a_link_that_leads_nowhere_on_pypi_is_found(text: str) -> None:
    assert len(broken_links(text)) == 1


def test_links_to_the_web_and_to_headings_are_fine() -> None:
    assert broken_links("# From `globus-automate`\n\n[a](#from-globus-automate) [b](https://example.org) `[c]`") == []


def test_the_description_of_the_client_has_no_other_links() -> None:
    text = (ROOT / "docs" / "client.md").read_text("utf-8")
    assert "](#log-in)" in text
    assert broken_links(text) == []
