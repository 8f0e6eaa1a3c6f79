"""Debian's nginx with the configuration that docs/operate.md shows, on loopback addresses, gone after the test."""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from tests.processes import ROOT, find_program, free_port
from tests.waiting import until

HEADERS = {"Authorization": "Bearer local-token-alice"}
GUIDE = (ROOT / "docs" / "operate.md").read_text("utf-8")
MAIN = """\
daemon off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    scgi_temp_path {folder}/scgi;
    uwsgi_temp_path {folder}/uwsgi;
    include {folder}/whattime.conf;
}}
"""


@dataclass(frozen=True)
class RunningNginx:
    url: str
    port: int
    certificate: str
    """The path of the certificate to trust."""


def indented_block(before: str) -> str:
    """Return the block of the guide that follows this text, without its indentation."""
    found = re.search(re.escape(before) + r"\n\n((?:    .*\n|\n)+)", GUIDE)
    assert found, before
    return re.sub("^    ", "", found[1], flags=re.MULTILINE)


def replace(text: str, replacements: dict[str, str]) -> str:
    for old, new in replacements.items():
        assert old in text, f"{old} is not in the guide"
        text = text.replace(old, new)
    return text


@contextlib.contextmanager
def prepared_nginx(ports: tuple[int, int], changes: dict[str, str]) -> Iterator[tuple[list[str], RunningNginx]]:
    """Write the configuration of an nginx in front of servers on these ports. Yield the command that starts it.

    :param changes: what to replace in the guide's configuration, such as a limit.
    """
    program = find_program("nginx")
    find_program("openssl")
    folder = Path(tempfile.mkdtemp(prefix="whattime-nginx-"))
    folder.chmod(0o755)  # nginx's workers are unprivileged if it is started by root
    port = free_port()
    try:
        here = {"/etc/ssl/private": str(folder), "/etc/ssl/certs": str(folder), "time.example.org": "localhost"}
        addresses = {"10.0.0.1:8080": f"127.0.0.1:{ports[0]}", "10.0.0.2:8080": f"127.0.0.1:{ports[1]}"}
        block = indented_block("in `/etc/nginx/conf.d/whattime.conf`:")
        text = replace(block, changes | here | addresses | {"listen 443": f"listen 127.0.0.1:{port}"})
        (folder / "whattime.conf").write_text(text)
        (folder / "nginx.conf").write_text(MAIN.format(folder=folder))
        make = replace(indented_block("To try it without a trusted certificate, make your own:"), here)
        subprocess.run(["sh", "-euc", make], check=True, capture_output=True)
        nginx = RunningNginx(f"https://localhost:{port}", port, f"{folder}/localhost.pem")
        yield [program, "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf"], nginx
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def running_nginx(*ports: int, changes: dict[str, str] | None = None) -> Iterator[RunningNginx]:
    """An nginx that answers, in front of the servers on these two ports. Skip the test if nginx is not installed."""
    one, other = ports
    with prepared_nginx((one, other), changes or {}) as (command, nginx):
        process = subprocess.Popen(command)
        try:
            pid = Path(nginx.certificate).parent / "pid"  # written after nginx listens
            until(lambda: process.poll() is not None or pid.exists(), "nginx to start")
            assert process.poll() is None, "nginx does not start"
            yield nginx
        finally:
            process.terminate()
            process.wait(60)


class Address(HTTPAdapter):
    """Sends requests from another loopback address: nginx's limits are for each address."""

    def __init__(self, address: str) -> None:
        self.address = address
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, source_address=(self.address, 0), **options)


def session_from(nginx: RunningNginx, address: str = "127.0.0.1") -> requests.Session:
    """Return a session of Alice's, whose requests come from this address."""
    session = requests.Session()
    session.trust_env = False  # or REQUESTS_CA_BUNDLE would count for more than the next line
    session.verify = nginx.certificate
    session.headers.update(HEADERS)
    session.mount("https://", Address(address))
    return session
