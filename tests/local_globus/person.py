"""Acts like a person on the stand-in's pages."""

from __future__ import annotations

from urllib.parse import parse_qs, parse_qsl, urlsplit

import requests


def choose(url: str, name: str) -> str:
    """Return the code for a person who opens this URL, says who they are, and allows the request."""
    page = requests.get(url, timeout=60)
    assert f">{name}@local.example</a>" in page.text
    return consent(url, name) if is_asked_for_consent(url, name) else code_from(say_who(url, name))


def say_who(url: str, name: str) -> requests.Response:
    """Return the response to a person who says who they are."""
    return requests.get(f"{url}&as={name}", timeout=60, allow_redirects=False)


def is_asked_for_consent(url: str, name: str) -> bool:
    """Return whether a person who logs in at this URL is asked for consent."""
    return say_who(url, name).status_code == 200


def consent(url: str, name: str, *, decision: str = "allow") -> str:
    """Return the code for a person who is asked for consent; empty if they deny it."""
    page = say_who(url, name)
    assert page.status_code == 200, page.headers
    assert 'value="allow"' in page.text
    form = {**dict(parse_qsl(urlsplit(url).query)), "as": name, "decision": decision}
    return code_from(requests.post(url.partition("?")[0], form, timeout=60, allow_redirects=False))


def code_from(redirected: requests.Response) -> str:
    """Return the code on the page that a finished login leads to; empty if there is none."""
    assert redirected.status_code in (302, 303), redirected.text
    page = requests.get(redirected.headers["Location"], timeout=60)
    code = parse_qs(urlsplit(redirected.headers["Location"]).query).get("code", [""])[0]
    assert code in page.text
    return code
