"""What a person does in a browser during a login."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import requests


def choose(url: str, name: str) -> str:
    """Open the authorize page at `url`, log in as `name`, and return the code that the page shows."""
    redirected = requests.get(f"{url}&as={name}", timeout=5, allow_redirects=False)
    assert redirected.status_code == 302, redirected.text
    code = parse_qs(urlsplit(redirected.headers["Location"]).query)["code"][0]
    assert code in requests.get(redirected.headers["Location"], timeout=5).text
    return code
