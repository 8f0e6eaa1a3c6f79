"""The running server, over real HTTP; the real toolkit and globus-sdk talk to the stand-in for Globus."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.api import check_error, check_status_document
from tests.conftest import CREDENTIALS
from tests.processes import ROOT, RunningProvider, clean_environment, free_port, running_provider, start
from tests.waiting import until

BODY = {"utc_offset": 1}
GROUP = "urn:globus:groups:id:5b1c0de0-0000-4000-8000-0000000009a0"


@pytest.fixture(scope="module")
def provider() -> Iterator[RunningProvider]:
    with running_provider(MIN_SECONDS="1.5", MAX_SECONDS="1.5", FAILURE_RATE="0") as running:
        yield running


def call(
    provider: RunningProvider, method: str, path: str, token: str | None = "local-token-alice", **options: Any
) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return requests.request(method, provider.url + path, headers=headers, timeout=60, **options)


def run(provider: RunningProvider, request_id: str, token: str = "local-token-alice", **fields: Any) -> str:
    response = call(provider, "POST", "/run", token, json={"request_id": request_id, "body": BODY, **fields})
    assert response.status_code == 202, response.text
    check_status_document(response.json())
    return str(response.json()["action_id"])


def test_the_banner_has_what_a_newcomer_needs(provider: RunningProvider) -> None:
    for word in (
        "for development only",
        f"{provider.url}/docs",
        provider.scope,
        GROUP,
        'curl -H "Authorization: Bearer local-t',
    ):
        assert word in provider.banner


def test_a_whole_life_cycle(provider: RunningProvider) -> None:
    assert call(provider, "GET", "/").json()["globus_auth_scope"] == provider.scope
    action_id = run(provider, "life")
    assert call(provider, "POST", f"/{action_id}/release").status_code == 409
    until(lambda: call(provider, "GET", f"/{action_id}/status").json()["status"] == "SUCCEEDED", "the end")
    released = call(provider, "POST", f"/{action_id}/release")
    check_status_document(released.json())
    assert released.json()["details"].keys() == {"whattimeisit"}
    assert call(provider, "GET", f"/{action_id}/status").status_code == 404


@pytest.mark.parametrize("token", [None, "local-token-expired", "local-token-other-scope", "local-token-nobody"])
def test_invalid_tokens_are_refused(provider: RunningProvider, token: str | None) -> None:
    response = call(provider, "GET", "/", token)
    assert response.status_code == 401
    check_error(response.json(), "NoAuthentication")
    assert response.headers["WWW-Authenticate"].startswith("Bearer ")


def test_groups_are_really_asked(provider: RunningProvider) -> None:
    action_id = run(provider, "group", monitor_by=[GROUP])
    assert call(provider, "GET", f"/{action_id}/status", "local-token-bob").status_code == 200
    assert call(provider, "POST", f"/{action_id}/cancel", "local-token-bob").status_code == 403
    assert call(provider, "GET", f"/{action_id}/status", "local-token-carol").status_code == 404


def test_simultaneous_requests_over_many_connections_start_one_action(provider: RunningProvider) -> None:
    barrier = threading.Barrier(32)

    def post(_: int) -> tuple[int, str]:
        barrier.wait()
        response = call(provider, "POST", "/run", json={"request_id": "many", "body": BODY})
        return response.status_code, response.json()["action_id"]

    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(post, range(32)))
    assert sorted(status for status, _ in answers) == [200] * 31 + [202]
    assert len({action_id for _, action_id in answers}) == 1


@pytest.mark.parametrize(
    ("method", "target", "expect"),
    [
        ("GET", "//", 200),
        ("GET", "//run", 405),
        ("GET", "/../status", 404),
        ("GET", "/%00/status", 404),
        ("GET", "/%ff/status", 404),
        ("GET", "/a%0d%0aSet-Cookie:%20x/status", 404),
        ("TRACE", "/run", 405),
        ("PROPFIND", "/", 405),
        ("OPTIONS", "/run", 405),
    ],
)
def test_odd_requests_are_answered_in_json(provider: RunningProvider, method: str, target: str, expect: int) -> None:
    host, port = provider.url.removeprefix("http://").split(":")
    headers = "Host: [::1]\r\nAuthorization: Bearer local-token-alice\r\nConnection: close"
    request = f"{method} {target} HTTP/1.1\r\n{headers}\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(request.encode())
        head, _, body = b"".join(iter(lambda: connection.recv(65536), b"")).partition(b"\r\n\r\n")
    assert head.split()[1] == str(expect).encode()
    assert b"content-type: application/json" in head.lower()
    assert body.startswith(b"{")


def test_a_body_without_a_length_is_limited_too(provider: RunningProvider) -> None:
    body = b'{"request_id": "chunked", "body": {"utc_offset": 1}}'
    assert call(provider, "POST", "/run", data=iter([body, b" " * 65536])).status_code == 413
    assert call(provider, "POST", "/run", data=iter([body])).status_code == 202


def connect(provider: RunningProvider) -> socket.socket:
    host, port = provider.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=60)


def test_http_2_is_not_spoken(provider: RunningProvider) -> None:
    with connect(provider) as connection:
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
        answer = connection.recv(100)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 ")


def test_slow_clients_leave_threads_to_the_others(provider: RunningProvider) -> None:
    head = "POST /run HTTP/1.1\r\nHost: [::1]\r\nAuthorization: Bearer local-token-carol\r\nContent-Length: 60\r\n\r\n{"
    slow = [connect(provider) for _ in range(40)]
    for connection in slow:
        connection.sendall(head.encode())
    assert call(provider, "GET", "/").elapsed.total_seconds() < 1
    assert call(provider, "POST", "/run", json={"request_id": "others", "body": BODY}).status_code == 202
    late = {"request_id": "late", "body": BODY}
    refused = call(provider, "POST", "/run", "local-token-carol", json=late)
    assert refused.status_code == 503
    assert refused.headers["Retry-After"].isdigit()
    for connection in slow:
        connection.close()
    until(lambda: call(provider, "POST", "/run", "local-token-carol", json=late).status_code == 202, "a free thread")


def test_a_truncated_body_starts_nothing(provider: RunningProvider) -> None:
    body = b'{"request_id": "broken", "body": {"utc_offset": 1}}'
    with connect(provider) as connection:
        headers = "Host: [::1]\r\nAuthorization: Bearer local-token-alice\r\nContent-Length: 200"
        head = f"POST /run HTTP/1.1\r\n{headers}\r\n\r\n"
        connection.sendall(head.encode() + body)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100).startswith(b"HTTP/1.1 400")
    assert call(provider, "POST", "/run", data=body).status_code == 202


@pytest.mark.parametrize("host", ["localhost", "::1"])
def test_local_mode_serves_every_name_of_this_machine(host: str) -> None:
    with running_provider(f"--host={host}") as provider:
        assert f"[{host}]" in provider.banner or f"http://{host}:" in provider.banner


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_cleanly_and_leaves_nothing_behind(stop: signal.Signals) -> None:
    with running_provider() as provider:
        provider.process.send_signal(stop)
        _, errors = provider.process.communicate(timeout=60)
        assert provider.process.returncode == 0
        assert "Traceback" not in errors
        assert not answers(provider.url)
        assert not answers(provider.auth_url.rstrip("/"))


@pytest.mark.skipif(sys.platform != "linux", reason="it uses system calls and files of Linux")
@pytest.mark.parametrize("of_worker", [False, True])
def test_a_signal_that_does_not_wake_the_main_thread_still_stops_the_process(of_worker: bool) -> None:
    with running_provider() as provider:
        server = provider.process.pid
        # The first child of the server keeps track of its resources; the last is the worker.
        pid = int(Path(f"/proc/{server}/task/{server}/children").read_text().split()[-1]) if of_worker else server
        other_thread = max(int(task.name) for task in Path(f"/proc/{pid}/task").iterdir())
        assert other_thread != pid
        assert ctypes.CDLL(None).tgkill(pid, other_thread, signal.SIGTERM) == 0
        until(lambda: not Path(f"/proc/{pid}").exists() or provider.process.poll() is not None, "the process to end")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_workers_do_not_outlive_a_killed_parent() -> None:
    with running_provider() as provider:
        provider.process.kill()
        until(lambda: not answers(provider.url), "the workers to end")


def answers(url: str) -> bool:
    host, port = url.removeprefix("http://").split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def test_paths_are_relative_to_the_folder_that_the_server_is_started_in(tmp_path: Path) -> None:
    port = free_port()
    environment = clean_environment(WHATTIME_DATABASE_URL="sqlite:///actions.db")
    server = [str(ROOT / "script" / "server"), f"--port={port}", f"--auth-port={free_port()}"]
    with subprocess.Popen(server, cwd=tmp_path, env=environment, stdout=subprocess.PIPE) as process:
        try:
            until(lambda: answers(f"http://127.0.0.1:{port}"), "the server to answer")
        finally:
            process.terminate()
    assert (tmp_path / "actions.db").exists()
    assert subprocess.check_output([str(ROOT / "script" / "purge")], cwd=tmp_path, env=environment) == b"0\n"


def test_python_app_app_py_does_the_same() -> None:
    with running_provider(script=("app/app.py",)) as provider:
        assert call(provider, "GET", "/").status_code == 200


def refusal(*options: str, **settings: Any) -> str:
    """Return the only line of a start that fails."""
    process = start(*options, **settings)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 2, errors
    assert output == ""
    lines = [line for line in errors.splitlines() if "for development only" not in line]
    assert len(lines) == 1, errors
    return lines[0]


def test_a_busy_port_is_named_with_the_option_that_picks_another(provider: RunningProvider) -> None:
    port = provider.url.rpartition(":")[2]
    assert f"port {port}: Address already in use" in refusal(f"--port={port}")
    assert "Choose another with --port" in refusal(f"--port={port}")
    assert "Choose another with --auth-port" in refusal(f"--port={free_port()}", f"--auth-port={port}")


def test_a_failed_start_says_why_in_one_line() -> None:
    assert "WHATTIME_FAILURE_RATE=2 is wrong: it must be a number from 0 to 1" in refusal(FAILURE_RATE="2")
    assert "unknown setting WHATTIME_FOO" in refusal(FOO="1")
    assert "WHATTIME_CLIENT_SECRET, WHATTIME_SCOPE must be set" in refusal(CLIENT_ID=CREDENTIALS["CLIENT_ID"])
    assert "local mode serves this machine only" in refusal("--host=0.0.0.0")
    assert "local mode serves this machine only" in refusal("--host=example.org")
    assert "the provider listens on this port" in refusal(f"--port={(port := free_port())}", f"--auth-port={port}")
    assert "No such option" in refusal("--prot=1")
    assert "--port" in refusal("--port=99999")
    assert "in-memory database is for one process" in refusal("--workers=2", f"--port={free_port()}")


def test_help_names_every_option() -> None:
    process = start("--help")
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    for option in ("--host", "--port", "--auth-port", "--workers", "--threads"):
        assert option in output


def test_flask_run_and_other_wsgi_servers_find_the_app(tmp_path: Path) -> None:
    environment = clean_environment(**{f"WHATTIME_{name}": value for name, value in CREDENTIALS.items()})
    command = [sys.executable, "-m", "flask", "--app", "app", "routes"]
    routes = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    assert "/actions/<action_id>/cancel" in routes
    refused = subprocess.run(command, env=clean_environment(), capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr
    assert "WHATTIME_CLIENT_ID" in refused.stderr


os.environ.setdefault("NO_PROXY", "127.0.0.1")
