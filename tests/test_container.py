"""The Containerfile: built with buildah on a Debian base, the image migrates a database and serves, as its own user.

No registry is needed: the base is made of Debian packages. These tests run where buildah and mmdebstrap are installed.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.api import check_error
from tests.conftest import CREDENTIALS
from tests.postgresql import running_postgresql
from tests.processes import ROOT, free_port
from tests.waiting import until

BASE_PACKAGES = "python3,python3-venv,ca-certificates"
CERTIFICATES = "--volume=/etc/ssl/certs:/etc/ssl/certs:ro"  # this machine may trust a proxy of its own


@dataclass(frozen=True)
class Image:
    """An image, and a container of it that shares this machine's network."""

    buildah: list[str]
    container: str

    def command(self, *arguments: str, **settings: str) -> list[str]:
        environment = [f"--env=WHATTIME_{name}={value}" for name, value in settings.items()]
        options = ["--isolation=chroot", "--network=host", *environment]
        return [*self.buildah, "run", *options, self.container, "--", *arguments]

    @property
    def entrypoint(self) -> list[str]:
        done = subprocess.run([*self.buildah, "inspect", self.container], capture_output=True, text=True, check=True)
        return list(json.loads(done.stdout)["OCIv1"]["config"]["Entrypoint"])


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    for program in ("buildah", "mmdebstrap"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed (on Debian: apt-get install buildah mmdebstrap)")
    folder = tmp_path_factory.mktemp("container")
    buildah = ["buildah", f"--root={folder}/root", f"--runroot={folder}/run", "--storage-driver=vfs"]

    def do(*command: str) -> str:
        done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    do("mmdebstrap", "--variant=minbase", f"--include={BASE_PACKAGES}", "bookworm", f"{folder}/base.tar")
    base = do(*buildah, "from", "scratch")
    do(*buildah, "add", base, f"{folder}/base.tar", "/")
    do(*buildah, "commit", "--rm", base, "localhost/base")
    build = ["build", "--isolation=chroot", "--network=host", "--pull-never", CERTIFICATES]
    do(*buildah, *build, "--build-arg=BASE=localhost/base", "--file=Containerfile", "--tag=localhost/whattime", ".")
    yield Image(buildah, do(*buildah, "from", "--pull-never", "localhost/whattime"))
    do(*buildah, "rm", "--all")
    do(*buildah, "rmi", "--all", "--force")


@contextlib.contextmanager
def serving(command: list[str]) -> Iterator[None]:
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)


def answer(url: str) -> requests.Response | None:
    with contextlib.suppress(requests.ConnectionError):
        return requests.get(url, timeout=60)
    return None


def test_the_image_migrates_a_database_and_serves(image: Image) -> None:
    python = image.entrypoint[0]
    port = str(free_port())
    with running_postgresql() as server:
        settings: Any = {**CREDENTIALS, "DATABASE_URL": server.create_database()}
        serve = [{"0.0.0.0": "127.0.0.1", "8080": port}.get(word, word) for word in image.entrypoint]
        early = subprocess.run(
            image.command(*serve, **settings), capture_output=True, text=True, check=False, timeout=60
        )
        assert early.returncode != 0
        assert "migrate" in early.stdout + early.stderr
        for module in (
            ["app.database.migrate"],
            ["flask", "--app", "app", "purge"],
            ["flask", "--app", "app", "advance"],
        ):
            subprocess.run(image.command(python, "-m", *module, **settings), check=True, timeout=60)
        with serving(image.command(*serve, **settings)):
            description = until(lambda: answer(f"http://127.0.0.1:{port}/openapi.json"), "the server")
            refused = requests.get(f"http://127.0.0.1:{port}/", timeout=60)
    assert description is not None
    assert description.status_code == 200
    assert refused.status_code == 401
    check_error(refused.json(), "NoAuthentication")


def test_the_image_runs_as_a_user_who_cannot_change_it(image: Image) -> None:
    look = image.command("sh", "-c", "id --user --name; touch /opt/whattime/app/new")
    done = subprocess.run(look, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "whattime"
    assert "Permission denied" in done.stderr


def test_the_image_holds_what_the_containerfile_copies_and_no_more(image: Image) -> None:
    done = subprocess.run(image.command("ls", "-A"), capture_output=True, text=True, check=True)
    copied = {"app", "local_globus", "config.py", "openapi.yaml", "schema.json", "requirements.lock", ".venv"}
    assert set(done.stdout.split()) == copied
    assert Path(ROOT / ".dockerignore").read_text("utf-8").split() == [".git", ".venv*"]
