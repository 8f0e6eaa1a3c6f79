"""nginx as docs/operate.md sets it up: its own errors, and its limits for slow and greedy clients."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import ssl
import subprocess
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.api import check_error
from tests.nginx import HEADERS, RunningNginx, prepared_nginx, running_nginx, session_from
from tests.processes import RunningProvider, free_port, running_provider
from tests.waiting import until

LARGEST_FILE = "/docs/swagger-ui-bundle.js"
LONG = "a" * 21_000


@pytest.fixture(scope="module")
def provider() -> Iterator[RunningProvider]:
    with running_provider(MIN_SECONDS="0.001", MAX_SECONDS="0.001", FAILURE_RATE="0") as running:
        yield running


@pytest.fixture(scope="module")
def nginx(provider: RunningProvider) -> Iterator[RunningNginx]:
    """nginx in front of one server that runs and one that does not."""
    with running_nginx(provider.port, free_port()) as running:
        yield running


def connect(nginx: RunningNginx, address: str = "127.0.0.1", receive_buffer: int | None = None) -> ssl.SSLSocket:
    """Open a connection for raw bytes."""
    plain = socket.socket()
    if receive_buffer is not None:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    plain.bind((address, 0))
    plain.settimeout(20)
    plain.connect(("127.0.0.1", nginx.port))
    context = ssl.create_default_context(cafile=nginx.certificate)
    return context.wrap_socket(plain, server_hostname="localhost")


def read_all(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65536), b""))


def test_nginx_finds_no_fault_with_the_configuration() -> None:
    with prepared_nginx((8080, 8081), {}) as (command, _):
        done = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr


def test_a_body_that_is_too_large_is_refused_in_the_providers_words(
    provider: RunningProvider, nginx: RunningNginx
) -> None:
    largest, larger = b" " * 65_536, b" " * 65_537
    session = session_from(nginx)
    assert session.post(f"{nginx.url}/run", data=largest, timeout=60).status_code == 400  # it is read, and no JSON
    ours = requests.post(f"{provider.url}/run", data=larger, headers=HEADERS, timeout=60)
    theirs = session.post(f"{nginx.url}/run", data=larger, timeout=60)
    assert (theirs.status_code, theirs.json()) == (413, ours.json())
    check_error(theirs.json(), "RequestTooLarge")


@pytest.mark.parametrize(
    ("path", "headers", "status", "code"),
    [
        ("/metrics", {}, 403, "NotAuthorized"),
        ("/health", {}, 403, "NotAuthorized"),
        ("/.error", {}, 404, "NotFound"),
        (f"/{LONG}", {}, 414, "InvalidRequest"),
        ("/", {"X-Long": LONG}, 431, "InvalidRequest"),
        ("/", {f"X-{number}": LONG[:19_000] for number in range(5)}, 431, "InvalidRequest"),
    ],
    ids=["metrics", "health", "error", "path", "header", "headers"],
)
def test_what_nginx_refuses_is_refused_in_json(
    nginx: RunningNginx, path: str, headers: dict[str, str], status: int, code: str
) -> None:
    response = session_from(nginx).get(nginx.url + path, headers=headers, timeout=60)
    assert (response.status_code, response.headers["Content-Type"]) == (status, "application/json")
    check_error(response.json(), code)


@pytest.mark.parametrize(
    ("head", "status", "code"),
    [
        ("nonsense\r\n", 400, "InvalidRequest"),
        ("GET / HTTP/1.1\r\n", 400, "InvalidRequest"),  # no Host
        ("TRACE / HTTP/1.1\r\nHost: localhost\r\n", 405, "MethodNotAllowed"),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: odd\r\n", 501, "InvalidRequest"),
        ("GET / HTTP/3.1\r\n", 505, "InvalidRequest"),
    ],
)
def test_odd_requests_are_refused_in_json(nginx: RunningNginx, head: str, status: int, code: str) -> None:
    with connect(nginx) as connection:
        connection.sendall(f"{head}\r\n".encode())
        answer, _, body = read_all(connection).partition(b"\r\n\r\n")
    assert int(answer.split(None, 2)[1]) == status
    assert b"\r\nContent-Type: application/json\r\n" in answer
    check_error(json.loads(body), code)


def test_plain_http_is_refused_in_json(nginx: RunningNginx) -> None:
    response = requests.get(f"http://127.0.0.1:{nginx.port}/", timeout=60)
    assert response.status_code == 400
    check_error(response.json(), "InvalidRequest")


def test_the_longest_token_reaches_the_provider(nginx: RunningNginx) -> None:
    response = session_from(nginx).get(nginx.url, headers={"Authorization": f"Bearer {'a' * 16_384}"}, timeout=60)
    assert response.status_code == 401
    check_error(response.json(), "NoAuthentication")


def stalled_body(nginx: RunningNginx, address: str) -> ssl.SSLSocket:
    """Send a request without most of its body."""
    connection = connect(nginx, address)
    head = "POST /run HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer local-token-alice\r\nContent-Length: 99\r\n"
    connection.sendall(f"{head}\r\n{{".encode())
    return connection


def test_slow_bodies_hold_nobody_up_and_are_cut_off(provider: RunningProvider) -> None:
    changes = {"client_body_timeout 10s": "client_body_timeout 2s"}
    with running_nginx(provider.port, free_port(), changes=changes) as nginx, contextlib.ExitStack() as stack:
        slow = [stack.enter_context(stalled_body(nginx, f"127.0.0.{10 + number % 5}")) for number in range(60)]
        session = session_from(nginx, "127.0.0.2")
        for _ in range(10):
            body: Any = {"request_id": uuid.uuid4().hex, "body": {"utc_offset": 1}}
            assert session.post(f"{nginx.url}/run", json=body, timeout=60).status_code == 202
        assert [read_all(connection) for connection in slow] == [b""] * 60


def bytes_in_transit(port: int) -> int:
    """Return how many bytes wait in the kernel between a server on this port and its clients."""
    sockets = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    ours = [words for words in sockets if f":{port:04X}" in f"{words[1]} {words[2]}"]
    return sum(int(queue, 16) for words in ours for queue in words[4].split(":"))


def test_an_answer_that_is_not_read_leaves_the_server(provider: RunningProvider) -> None:
    request = f"GET {LARGEST_FILE} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n"
    with contextlib.ExitStack() as stack:
        nginx = stack.enter_context(running_nginx(provider.port, free_port(), changes={"443 ssl": "443 ssl sndbuf=8k"}))
        connection = stack.enter_context(connect(nginx, receive_buffer=4096))
        connection.sendall(request.encode())
        answer = connection.recv(1)
        meanwhile = session_from(nginx).get(nginx.url + LARGEST_FILE, timeout=60)
        until(lambda: bytes_in_transit(provider.port) == 0, "nginx to read the whole answer")
        answer += read_all(connection)
    head, _, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
    assert length
    assert len(body) == int(length[1]) > 400_000
    assert meanwhile.status_code == 200


def test_an_address_may_have_fifty_requests_open(nginx: RunningNginx) -> None:
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(stalled_body(nginx, "127.0.0.20")) for _ in range(49)]
        assert session_from(nginx, "127.0.0.20").get(nginx.url, timeout=60).status_code == 200
        held.append(stack.enter_context(stalled_body(nginx, "127.0.0.20")))
        refused = session_from(nginx, "127.0.0.20").get(nginx.url, timeout=60)
        assert session_from(nginx, "127.0.0.21").get(nginx.url, timeout=60).status_code == 200
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    check_error(refused.json(), "ServiceUnavailable")


def test_an_address_may_send_a_hundred_requests_at_once(nginx: RunningNginx) -> None:
    def send(count: int) -> list[int]:
        session = session_from(nginx, "127.0.0.30")
        return [session.get(f"{nginx.url}/openapi.json", timeout=60).status_code for _ in range(count)]

    assert send(100) == [200] * 100
    with ThreadPoolExecutor(8) as pool:
        answers = [status for part in pool.map(send, [100] * 8) for status in part]
    assert set(answers) == {200, 503}
    assert session_from(nginx, "127.0.0.31").get(nginx.url, timeout=60).status_code == 200
