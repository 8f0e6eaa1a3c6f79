"""No input causes a response that is not JSON, or a 5xx."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.api import Caller, check_error
from tests.conftest import ALICE, AppFactory
from tests.patched_auth import PatchedGlobus

URN = ALICE.urn


def request(**fields: Any) -> bytes:
    return json.dumps({"request_id": "r", "body": {"utc_offset": 1}, **fields}).encode()


def with_offset(text: str) -> bytes:
    return b'{"request_id": "r", "body": {"utc_offset": %s}}' % text.encode()


INVALID = {
    "nothing": b"",
    "no JSON": b"utc_offset=1",
    "half of it": request()[:-1],
    "something after it": request() + b"x",
    "no object": b"[]",
    "null": b"null",
    "a string": b'"run"',
    "UTF-16": request().decode().encode("utf-16"),
    "UTF-8 with a byte order mark": b"\xef\xbb\xbf" + request(),
    "Latin-1": '{"request_id": "é", "body": {"utc_offset": 1}}'.encode("latin-1"),
    "broken UTF-8": b'{"request_id": "\xff\xfe", "body": {"utc_offset": 1}}',
    "overlong UTF-8": b'{"request_id": "\xc0\x80", "body": {"utc_offset": 1}}',
    "lone surrogate": b'{"request_id": "\\ud800", "body": {"utc_offset": 1}}',
    "lone surrogate in a label": b'{"label": "a\\udfff", "request_id": "r", "body": {"utc_offset": 1}}',
    "lone surrogate as a name": b'{"\\ud800": 1, "request_id": "r", "body": {"utc_offset": 1}}',
    "lone surrogate in a list": b'{"monitor_by": ["\\ud800"], "request_id": "r", "body": {"utc_offset": 1}}',
    "NUL": b'{"request_id": "a\\u0000b", "body": {"utc_offset": 1}}',
    "NUL in a label": b'{"label": "\\u0000", "request_id": "r", "body": {"utc_offset": 1}}',
    "raw NUL": b'{"request_id": "a\x00b", "body": {"utc_offset": 1}}',
    "100,000 levels of lists": b"[" * 100_000 + b"]" * 100_000,
    "100,000 levels of objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "900 levels in the body": b'{"request_id": "r", "body": {"utc_offset": ' + b"[" * 900 + b"]" * 900 + b"}}",
    "300 levels at an odd place": b'{"request_id": "r", "\\u0061": ' + b'{"a":' * 300 + b"1" + b"}" * 301,
    "5,000 digits": with_offset("1" * 5000),
    "5,000 digits after the point": with_offset("1." + "0" * 5000),
    "999 digits": with_offset("1" * 999),
    "1e999": with_offset("1e999"),
    "-1e999": with_offset("-1e999"),
    "1e308": with_offset("1e308"),
    "NaN": with_offset("NaN"),
    "Infinity": with_offset("Infinity"),
    "-Infinity": with_offset("-Infinity"),
    "a leading zero": with_offset("01"),
    "hexadecimal": with_offset("0x1"),
    "a comment": with_offset("1/* one */"),
    "24": with_offset("24"),
    "-24": with_offset("-24"),
    "1.1": with_offset("1.1"),
    "0.1": with_offset("0.1"),
    "23.999": with_offset("23.999"),
    "1e-320": with_offset("1e-320"),
    "true": with_offset("true"),
    "null offset": with_offset("null"),
    "a string offset": with_offset('"1"'),
    "a list offset": with_offset("[1]"),
    "an offset twice": b'{"request_id": "r", "body": {"utc_offset": 1, "utc_offset": 2}}',
    "a request_id twice": b'{"request_id": "r", "request_id": "s", "body": {"utc_offset": 1}}',
    "no offset": request(body={}),
    "more than the offset": request(body={"utc_offset": 1, "tz": "CET"}),
    "no body": b'{"request_id": "r"}',
    "no request_id": b'{"body": {"utc_offset": 1}}',
    "a body that is a list": request(body=[1]),
    "a body that is null": request(body=None),
    "a request_id that is a number": request(request_id=1),
    "a request_id that is null": request(request_id=None),
    "a field that does not exist": request(tags=["x"]),
    "__proto__": request(__proto__={}),
    "an empty label": request(label=""),
    "a long label": request(label="x" * 65),
    "a label that is a number": request(label=1),
    "a label that is null": request(label=None),
    "monitor_by that is a string": request(monitor_by=URN),
    "monitor_by with a name": request(monitor_by=["alice@example.org"]),
    "monitor_by with public": request(monitor_by=["public"]),
    "monitor_by with a number": request(monitor_by=[1]),
    "monitor_by twice the same": request(monitor_by=[URN, URN]),
    "monitor_by with a newline after it": request(monitor_by=[URN + "\n"]),
    "manage_by with a blank before it": request(manage_by=[" " + URN]),
    "manage_by with an odd UUID": request(manage_by=["urn:globus:auth:identity:1234"]),
    "manage_by with null": request(manage_by=[None]),
    "manage_by that is an object": request(manage_by={}),
    "many bad principals": request(manage_by=list(range(1000))),
    "allowed_clients with anybody": request(allowed_clients=["anybody"]),
    "a deadline without an offset": request(deadline="2026-03-15T00:00:00"),
    "a deadline that is a date": request(deadline="2026-03-15"),
    "a deadline that is a number": request(deadline=1),
    "a deadline that is empty": request(deadline=""),
    "a deadline on February 30": request(deadline="2026-02-30T00:00:00Z"),
    "a deadline at 25 o'clock": request(deadline="2026-03-15T25:00:00Z"),
    "a deadline in the year 0": request(deadline="0000-01-01T00:00:00Z"),
    "a deadline in the year 99999": request(deadline="99999-01-01T00:00:00Z"),
    "a deadline beyond the calendar": request(deadline="9999-12-31T23:59:59-23:59"),
    "a deadline before the calendar": request(deadline="0001-01-01T00:00:00+23:59"),
    "a deadline with an odd offset": request(deadline="2026-03-15T00:00:00+99:99"),
    "a deadline with other digits": request(deadline="٢٠٢٦-03-15T00:00:00Z"),
    "a deadline with a newline after it": request(deadline="2026-03-15T00:00:00Z\n"),
    "a deadline in week notation": request(deadline="2026-W11-7T00:00:00Z"),
    "release_after that is a number": request(release_after=30),
    "release_after without a unit": request(release_after="P30"),
    "release_after that is empty": request(release_after=""),
    "release_after of nothing": request(release_after="P"),
    "release_after of no time": request(release_after="PT"),
    "release_after backwards": request(release_after="-P1D"),
    "release_after with a comma": request(release_after="P1,5D"),
    "release_after in other digits": request(release_after="P１D"),
    "release_after of half a year": request(release_after="P0.5Y"),
    "release_after of half a month": request(release_after="P1.5M"),
    "release_after with a newline after it": request(release_after="P1D\n"),
}

VALID = {
    "all fields": request(
        label="é😀",
        monitor_by=[URN],
        manage_by=[],
        allowed_clients=["public", "creator"],
        release_after="P1Y2M3W4DT5H6M7.5S",
    ),
    "a surrogate pair": b'{"request_id": "\\ud83d\\ude00", "body": {"utc_offset": 1}}',
    "a backslash and u0000": b'{"request_id": "\\\\u0000", "body": {"utc_offset": 1}}',
    "an empty request_id": request(request_id=""),
    "a long request_id": request(request_id="x" * 60_000),
    "an offset as a float": with_offset("1.0"),
    "an offset with an exponent": with_offset("25e-2"),
    "minus zero": with_offset("-0.0"),
    "a lower-case deadline": request(deadline="2026-03-15t00:00:00.123456789z"),
    "an absurdly long release_after": request(release_after="P" + "9" * 5000 + "D"),
    "an absurdly long release_after in months": request(release_after="P" + "9" * 5000 + "M"),
    "no release_after at all": request(release_after="PT0S"),
    "a release_after below the microsecond": request(release_after="PT0.0000001S"),
    "many principals": request(
        manage_by=[f"urn:globus:auth:identity:{n:08d}-0000-4000-8000-000000000000" for n in range(900)]
    ),
}


@pytest.fixture
def client(globus: PatchedGlobus, clock: Any, new_app: AppFactory) -> FlaskClient:
    return new_app(clock=clock).test_client()


@pytest.fixture
def headers(globus: PatchedGlobus) -> dict[str, str]:
    return {"Authorization": f"Bearer {globus.login(ALICE)}"}


@pytest.mark.parametrize("raw", INVALID.values(), ids=INVALID)
def test_an_invalid_request_is_refused_with_400(client: FlaskClient, headers: dict[str, str], raw: bytes) -> None:
    if len(raw) > CREDENTIALS_LIMIT:
        client.application.config["MAX_CONTENT_LENGTH"] = len(raw)
    response = client.post("/run", data=raw, headers=headers)
    assert response.status_code == 400, response.get_data(as_text=True)
    check_error(response.json, "InvalidRequest")
    assert len(response.data) < 10_000
    assert not any(word in response.get_data(as_text=True) for word in ("Traceback", "site-packages", "Error:"))


@pytest.mark.parametrize("raw", VALID.values(), ids=VALID)
def test_an_unusual_request_is_still_a_request(client: FlaskClient, headers: dict[str, str], raw: bytes) -> None:
    started = Caller(client, headers["Authorization"].removeprefix("Bearer ")).request("POST", "/run", 202, data=raw)
    assert client.get(f"/{started['action_id']}/status", headers=headers).status_code == 200


def test_the_error_lists_every_fault(client: FlaskClient, headers: dict[str, str]) -> None:
    raw = request(body={"utc_offset": 24}, label="", release_after="P1")
    errors = client.post("/run", data=raw, headers=headers).get_json()["errors"]
    details = "\n".join(error["detail"] for error in errors)
    assert len(errors) == 3
    assert "body.utc_offset: 24 is greater than or equal to the maximum of 24" in details
    assert 'release_after: "P1" is not an ISO 8601 duration such as P30D' in details


def test_little_of_the_input_is_repeated(client: FlaskClient, headers: dict[str, str]) -> None:
    for raw in (request(label="<" * 50_000), request(deadline="<" * 50_000), request(**{"<" * 50_000: 1})):
        assert client.post("/run", data=raw, headers=headers).get_data(as_text=True).count("<") <= 2 * 200
    assert client.get(f"/{'<' * 5000}/status", headers=headers).get_data(as_text=True).count("<") <= 2 * 200


@pytest.mark.parametrize("path", ["/run", "/actions", "/x/cancel", "/x/release"])
def test_a_body_over_the_limit_is_refused(client: FlaskClient, headers: dict[str, str], path: str) -> None:
    response = client.post(path, data=b" " * 65537, headers=headers)
    assert response.status_code == 413
    check_error(response.json, "RequestTooLarge")


def test_a_body_of_unknown_length_over_the_limit_is_refused(client: FlaskClient, headers: dict[str, str]) -> None:
    for raw, expect in ((request().ljust(65536), 202), (request().ljust(65537), 413)):
        environ = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
        response = client.post("/run", data=raw, headers=headers, environ_overrides=environ)
        assert response.status_code == expect


METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "X")
PATHS = (
    *("/", "/run", "/run/", "//", "//run", "/actions", "/actions/", "/actions/x", "/actions/x/", "/actions/x/cancel"),
    *("/actions/x/release", "/actions/x/log", "/actions/x/resume", "/x/status", "/x/cancel", "/x/release", "/x/log"),
    *("/x/resume", "/x", "/x/y", "/x/y/z", "/../status", "/%2e%2e/status", "/%2F/status", "/%00/status", "/%ff/status"),
    *(
        "/%F0%9F%98%80/status",
        "/a%0d%0aSet-Cookie:x/status",
        "/actions/status",
        "/favicon.ico",
        "/static/x",
        "/x;y/status",
    ),
    *("/'%20OR%201=1--/status", f"/{'x' * 8000}/status", "/undefined/status?limit=x&limit=y", "/x/log?limit=%ff"),
)


@pytest.mark.parametrize("path", PATHS)
def test_every_method_on_every_path_is_answered(client: FlaskClient, headers: dict[str, str], path: str) -> None:
    environ = {"PATH_INFO": path} if path.startswith("//") else {}
    for method, data in itertools.product(METHODS, (b"", b"\x00\xff", request())):
        response = client.open(path, method=method, data=data, headers=headers, environ_overrides=environ)
        assert response.status_code in (200, 202, 204, 400, 404, 405), (method, response.get_data(as_text=True))
        if response.status_code >= 400 and method != "HEAD":
            check_error(
                response.json, {400: "InvalidRequest", 404: "NotFound", 405: "MethodNotAllowed"}[response.status_code]
            )
        if response.status_code == 405:
            assert response.headers["Allow"]


def test_an_unexpected_error_is_logged_and_its_details_are_not_shown(
    headers: dict[str, str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, new_app: AppFactory
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("app.whattime.begin", broken)
    response = new_app().test_client().post("/run", data=request(), headers=headers)
    assert response.status_code == 500
    check_error(response.json, "DeveloperError")
    assert "secret detail" not in response.get_data(as_text=True)
    assert "secret detail" in caplog.text


CREDENTIALS_LIMIT = 65536
