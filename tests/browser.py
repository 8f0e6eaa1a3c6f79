"""A real browser for tests: Chromium without a window, with its own profile, which can reach only this machine."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from tests.processes import find_program

QUIET = (
    "--headless",
    "--no-sandbox",  # needed for root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",  # containers have little of it
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


@contextlib.contextmanager
def running_browser(profile: Path) -> Iterator[webdriver.Chrome]:
    """Run a browser. If a program that it needs is missing, the test is skipped, or fails if CI is set.

    :param profile: an empty directory.
    """
    chromium, driver = find_program("chromium", "chromium"), find_program("chromedriver", "chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in (*QUIET, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    browser = webdriver.Chrome(options, Service(driver))
    try:
        browser.set_window_size(1280, 1000)
        yield browser
    finally:
        browser.quit()


def requests_of(browser: webdriver.Chrome) -> Iterator[tuple[str, str]]:
    """Yield the method and URL of each request that the page has made since the last call."""
    for entry in log_of(browser, "performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            request = message["params"]["request"]
            yield request["method"], request["url"]


def log_of(browser: webdriver.Chrome, kind: str) -> list[dict[str, Any]]:
    """Return what was logged since the last call: `browser` for the console, `performance` for the network."""
    return cast(list[dict[str, Any]], browser.get_log(kind))  # type: ignore[no-untyped-call]  # selenium does not say


def hosts_of(requests: list[tuple[str, str]]) -> set[str]:
    return {urlsplit(url).netloc for _, url in requests if urlsplit(url).scheme != "data"}
