"""Photographs the page at /docs in Chromium."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

from tests.browser import running_browser
from tests.docs_page import DocsPage
from tests.processes import RunningProvider

SCHEMES = ("light", "dark")
WINDOW = {"width": 1000, "height": 720, "deviceScaleFactor": 1.4, "mobile": False}
"""In CSS pixels: readable when shown 800 pixels wide. The scale is for screens with more pixels."""

CLIP = {"x": 0, "y": 0, "width": WINDOW["width"], "scale": 1}
BOTTOM = "return document.getElementById('try').getBoundingClientRect().bottom"
MARGIN = 20


def docs_page(provider: RunningProvider, profile: Path) -> Iterator[bytes]:
    """Run an action at the page, and yield a PNG for each color scheme: of the page, down to the list of operations.

    :param profile: an empty folder for the browser.
    """
    with running_browser(profile) as browser:
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", WINDOW)
        browser.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
        page = DocsPage(browser, provider)
        page.press("alice", "#people")
        page.press("Run")
        page.until_actions("SUCCEEDED")
        page.until_answer("whattimeisit")
        height = browser.execute_script(BOTTOM) + MARGIN
        picture = {"format": "png", "captureBeyondViewport": True, "clip": {**CLIP, "height": height}}
        for scheme in SCHEMES:
            features = [{"name": "prefers-color-scheme", "value": scheme}]
            browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
            yield base64.b64decode(browser.execute_cdp_cmd("Page.captureScreenshot", picture)["data"])
