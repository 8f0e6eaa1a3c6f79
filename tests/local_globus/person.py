"""Does what a person does on the pages of the stand-in."""

from __future__ import annotations

from urllib.parse import parse_qs, parse_qsl, urlsplit

import requests


def choose(url: str, name: str) -> str:
    """Return the code that a person gets who opens this URL and says who they are."""
    page = requests.get(url, timeout=5)
    assert f">{name}@local.example</a>" in page.text
    return code_from(requests.get(f"{url}&as={name}", timeout=5, allow_redirects=False))


def consent(url: str, name: str, *, decision: str = "allow") -> str:
    """Return the code that a person gets who is asked for consent; empty if the person denies it."""
    page = requests.get(f"{url}&as={name}", timeout=5, allow_redirects=False)
    assert page.status_code == 200, page.headers
    assert 'value="allow"' in page.text
    form = {**dict(parse_qsl(urlsplit(url).query)), "as": name, "decision": decision}
    return code_from(requests.post(url.partition("?")[0], form, timeout=5, allow_redirects=False))


def code_from(redirected: requests.Response) -> str:
    """Return the code on the page that a finished login leads to; empty if there is none."""
    assert redirected.status_code in (302, 303), redirected.text
    page = requests.get(redirected.headers["Location"], timeout=5)
    code = parse_qs(urlsplit(redirected.headers["Location"]).query).get("code", [""])[0]
    assert code in page.text
    return code
