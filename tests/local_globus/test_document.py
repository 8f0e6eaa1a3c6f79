"""The commands in docs/local-globus.md work as written."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from click.testing import CliRunner

from local_globus.__main__ import main
from local_globus.directory import GROUPS_SCOPE
from local_globus.registry_file import read_registry
from tests.processes import ROOT, clean_environment, free_port

DOCUMENT = (ROOT / "docs" / "local-globus.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)


@contextmanager
def process(command: list[str], **environment: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as running:
        try:
            yield running
        finally:
            running.terminate()


def test_a_provider_on_the_toolkit_runs_without_an_account(tmp_path: Path) -> None:
    start, call, consent, withdraw = blocks("sh")
    (printed,) = blocks("text")
    auth_port, port = free_port(), free_port()

    def here(text: str) -> str:
        return text.replace("127.0.0.1:5001", f"127.0.0.1:{auth_port}").replace("8080", str(port))

    (tmp_path / "provider.py").write_text(here(blocks("python")[0]))
    command = [sys.executable, *shlex.split(start)[1:], f"--port={auth_port}"]
    with process(command, **clean_environment(PYTHONUNBUFFERED="1")) as globus:
        assert globus.stdout is not None
        lines = [next(globus.stdout) for _ in printed.splitlines()]
        assert "".join(lines) == here(printed)
        exports = [line.removeprefix("export ") for line in lines if line.startswith("export ")]
        settings = dict(shlex.split(line)[0].split("=", 1) for line in exports)
        environment = clean_environment(**settings)
        with process([sys.executable, str(tmp_path / "provider.py")], **environment) as provider:
            assert provider.stderr is not None
            assert any("Running on" in line for line in provider.stderr)
            script = here("\necho\n".join((call, consent, withdraw)))
            done = subprocess.run(
                ["bash", "-eu"], input=script, capture_output=True, text=True, env=environment, check=True
            )
            withdrawn = requests.get(f"http://127.0.0.1:{auth_port}/v2/web/consents?as=bob", timeout=60).text
    first, second = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert first["status"] == "INACTIVE"
    assert first["details"]["required_scope"] == f"{settings['SCOPE']}[{GROUPS_SCOPE}]"
    assert (second["status"], second["details"]) == ("SUCCEEDED", {"groups": ["Local group"]})
    assert GROUPS_SCOPE not in withdrawn


def test_the_registry_file_is_read(tmp_path: Path) -> None:
    (text,) = blocks("toml")
    (tmp_path / "registry.toml").write_text(text)
    registry = read_registry(tmp_path / "registry.toml")
    assert [client.name for client in registry.clients] == ["My groups", ""]
    assert [len(each.dependent_scopes) for each in registry.scopes] == [2, 1]


def test_the_snippet_for_tests_runs() -> None:
    script = blocks("python")[1] + "import os\nprint(os.environ['GLOBUS_SDK_SERVICE_URL_AUTH'] == globus.url)\n"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True, env=clean_environment()
    )
    assert done.stdout == "True\n"


def test_every_option_is_documented() -> None:
    help_text = CliRunner().invoke(main, ["--help"]).output
    options = set(re.findall(r"--[a-z-]+", help_text)) - {"--help"}
    assert options == set(re.findall(r"^\| `(--[a-z-]+)", DOCUMENT, re.MULTILINE))
