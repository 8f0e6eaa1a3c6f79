"""Requests that a website could make a person's browser send are refused."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest
import requests

from local_globus.server import RunningGlobus


def introspected(running: RunningGlobus, token: str) -> bool:
    auth = ("5b1c0de0-0000-4000-8000-00000000c1d0", "local-client-secret")
    form = {"token": token}
    answer = requests.post(f"{running.url}v2/oauth2/token/introspect", form, auth=auth, timeout=60)
    return bool(answer.json()["active"])


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:5001",
        "127.0.0.1.evil.example",
        "localhost.evil",
        "10.0.0.1",
        "[::2]:80",
        "a@",
        "a..b",
        "a" * 300,
    ],
)
def test_a_foreign_host_name_is_refused(running: RunningGlobus, host: str) -> None:
    for path in ("", "v2/web/consents", "jwks.json", "nowhere"):
        refused = requests.get(running.url + path, headers={"Host": host}, timeout=60)
        assert refused.status_code == 403
        assert "loopback" in refused.text


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:5001", "127.0.0.1:1", "127.1.2.3", "[::1]:5001"])
def test_a_loopback_host_name_is_served(running: RunningGlobus, host: str) -> None:
    assert requests.get(running.url, headers={"Host": host}, timeout=60).status_code == 200


def test_a_request_without_a_host_is_refused(running: RunningGlobus) -> None:
    with socket.create_connection(("127.0.0.1", urlsplit(running.url).port or 0), timeout=60) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert b" 403 " in connection.makefile("rb").readline()


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_sites_form_changes_nothing(running: RunningGlobus, headers: dict[str, str]) -> None:
    revocation = {"token": "local-token-alice"}
    refused = requests.post(f"{running.url}v2/oauth2/token/revoke", revocation, headers=headers, timeout=60)
    assert refused.status_code == 403
    assert introspected(running, "local-token-alice")
    for path in ("v2/oauth2/authorize", "v2/web/consents", "v2/oauth2/token"):
        assert requests.post(running.url + path, headers=headers, timeout=60).status_code == 403


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "none"}, {"Sec-Fetch-Site": "same-origin"}])
def test_programs_and_its_own_pages_can_make_changes(running: RunningGlobus, headers: dict[str, str]) -> None:
    own = {"Origin": running.url.rstrip("/")} if headers else {}
    form = {"token": "local-token-alice"}
    assert requests.post(f"{running.url}v2/oauth2/token/revoke", form, headers=headers | own, timeout=60).ok
    assert not introspected(running, "local-token-alice")


def test_pages_cannot_be_framed(running: RunningGlobus) -> None:
    headers = requests.get(f"{running.url}v2/web/consents?as=alice", timeout=60).headers
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"
