"""The log: what each line has, and that no request waits for the reader."""

from __future__ import annotations

import io
import json
import logging
import re
import threading
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from app import settings
from app.monitoring.observation import request_ids
from app.monitoring.request_log import (
    LINES_KEPT,
    BackgroundLines,
    RequestLog,
    TroubleHandler,
    current_request_id,
)
from tests.clock import Clock
from tests.conftest import ALICE, BOB, CREDENTIALS, AppFactory
from tests.patched_auth import PatchedGlobus


class Pipe(io.StringIO):
    """A stream that can get stuck, like a pipe that is not read."""

    def __init__(self) -> None:
        super().__init__()
        self.open = threading.Event()
        self.open.set()
        self.stuck = threading.Event()
        self.log = BackgroundLines(self)

    def write(self, text: str) -> int:
        if not self.open.is_set():
            self.stuck.set()
        self.open.wait()
        return super().write(text)

    def lines(self) -> list[str]:
        """Return everything written, after flushing."""
        self.open.set()
        self.log.close()
        return self.getvalue().splitlines()


@pytest.fixture
def pipe() -> Pipe:
    return Pipe()


@pytest.fixture
def client(
    globus: PatchedGlobus, clock: Clock, pipe: Pipe, monkeypatch: pytest.MonkeyPatch, new_app: AppFactory
) -> FlaskClient:
    monkeypatch.setattr("app.provider.open_log", lambda _: RequestLog("json", pipe.log))
    return new_app(clock=clock).test_client()


@pytest.fixture
def logged(pipe: Pipe) -> Callable[[], list[dict[str, object]]]:
    """Return all lines that the client's requests caused."""
    return lambda: [json.loads(line) for line in pipe.lines()]


Logged = Callable[[], list[dict[str, object]]]


def bearer(token: str, **headers: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", **headers}


def run(client: FlaskClient, token: str) -> str:
    document = {"request_id": "a-request", "body": {"utc_offset": 1}}
    return str(client.post("/run", json=document, headers=bearer(token)).json["action_id"])  # type: ignore[index]


def test_a_request_is_one_line_that_says_who_did_what(
    client: FlaskClient, globus: PatchedGlobus, logged: Logged
) -> None:
    token = globus.login(ALICE)
    action_id = run(client, token)
    client.get(f"/{action_id}/status?x=secret", headers=bearer(token, **{"X-Request-ID": "mine-1"}))
    first, second = logged()
    assert (first["method"], first["route"], first["status"]) == ("POST", "/run", 202)
    assert (second["method"], second["route"], second["status"]) == ("GET", "/<action_id>/status", 200)
    assert (second["caller"], second["action_id"], second["x_request_id"]) == (ALICE.urn, action_id, "mine-1")
    assert isinstance(second["ms"], float)


def test_a_line_has_no_token_no_query_and_no_id_hidden_from_the_caller(
    client: FlaskClient, globus: PatchedGlobus, logged: Logged, pipe: Pipe
) -> None:
    token, stranger = globus.login(ALICE), globus.login(BOB)
    action_id = run(client, token)
    client.get(f"/{action_id}/status", headers=bearer(stranger))
    client.get(f"/{token}/status?token={token}", headers=bearer(token))
    client.get(f"/{token}", headers=bearer("unknown-token"))
    assert len(logged()) == 4
    shown = pipe.getvalue()
    assert shown.count(action_id) == 1
    for secret in (token[-6:], stranger[-6:], "unknown-token", CREDENTIALS["CLIENT_SECRET"]):
        assert secret not in shown


def test_a_made_up_method_is_not_repeated(client: FlaskClient, logged: Logged) -> None:
    client.open("/", method="M" * 20_000)
    (line,) = logged()
    assert (line["method"], line["status"]) == ("other", 405)


@pytest.mark.parametrize("given", ["", "two words", "x" * 129, "caf\u00e9", "<b>"])
def test_a_request_id_header_that_is_not_a_plain_word_is_replaced(client: FlaskClient, given: str) -> None:
    answered = client.get("/", headers={"X-Request-ID": given}).headers["X-Request-ID"]
    assert answered != given
    assert answered != client.get("/", headers={"X-Request-ID": given}).headers["X-Request-ID"]


@pytest.mark.parametrize("path", ["/", "/nowhere", "/health", "/x/status"])
def test_every_response_has_a_request_id(client: FlaskClient, path: str) -> None:
    assert client.get(path, headers={"X-Request-ID": "trace/1:a=b"}).headers.getlist("X-Request-ID") == ["trace/1:a=b"]
    assert client.post(path).headers["X-Request-ID"]


def test_ids_of_two_processes_are_different() -> None:
    assert request_ids()(None) != request_ids()(None)


def test_lines_are_plain_by_default(pipe: Pipe) -> None:
    log = RequestLog(settings.load().log_format, pipe.log)
    log.write(method="GET", route="/", status=200, caller=None)
    (line,) = pipe.lines()
    assert re.fullmatch(r"[\d-]+T[\d:]+\.\d{3}\+00:00 INFO request method=GET route=/ status=200", line)


def test_lines_can_be_json(pipe: Pipe) -> None:
    log = RequestLog("json", pipe.log)
    log.write(method="GET", route="/", status=200, ms=1.5, caller=None)
    (line,) = map(json.loads, pipe.lines())
    assert line.pop("time").endswith("+00:00")
    told = {"method": "GET", "route": "/", "status": 200, "ms": 1.5}
    assert line == {"level": "INFO", "message": "request", **told}


def test_the_request_log_can_be_turned_off(pipe: Pipe) -> None:
    RequestLog("off", pipe.log).write(method="GET")
    assert pipe.getvalue() == ""


@pytest.mark.parametrize("form", ["plain", "json", "off"])
def test_warnings_have_the_same_form(pipe: Pipe, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    logger, handler = logging.Logger("app.auth"), TroubleHandler(form, pipe.log)
    logger.addHandler(handler)
    logger.warning("%d", "no number")
    logger.warning("No usable answer: %s", 503)
    (line,) = pipe.lines()
    if form == "json":
        told = json.loads(line)
        assert (told["level"], told["message"], told["logger"]) == ("WARNING", "No usable answer: 503", "app.auth")
    else:
        assert line.endswith("WARNING No usable answer: 503 logger=app.auth")


def test_warnings_have_the_id_of_their_request(pipe: Pipe) -> None:
    logger = logging.Logger("app")
    logger.addHandler(TroubleHandler("json", pipe.log))
    current_request_id.set("mine-1")
    logger.error("Unexpected")
    (line,) = map(json.loads, pipe.lines())
    assert line["x_request_id"] == "mine-1"


def test_a_stuck_reader_blocks_no_request(pipe: Pipe) -> None:
    log = RequestLog("plain", pipe.log)
    pipe.open.clear()
    log.write(status="first")
    assert pipe.stuck.wait(30)
    for number in range(20_000):
        log.write(status=number)
    lines = pipe.lines()
    assert lines[0].endswith("status=first")
    assert lines[-1].endswith("status=19999")
    assert len(lines) == 1 + LINES_KEPT


def test_a_closed_stream_loses_only_the_lines(pipe: Pipe) -> None:
    log = RequestLog("plain", pipe.log)
    pipe.close()
    log.write(status=1)
    pipe.log.close()
    assert pipe.log._writer is None
