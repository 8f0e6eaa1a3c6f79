"""docs/your-own-provider.md works as written: the provider that it builds, its tests, and its commands."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from examples.job_service.service import RenderJobs, running_service
from examples.new_provider import main as new_provider
from tests.processes import ROOT, clean_environment, running_provider
from tests.test_documents import blocks, here
from tests.waiting import call, until

PAGE = "docs/your-own-provider.md"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder providers/render as it is at the end of the page, below `tmp_path`."""
    create = blocks(PAGE, "sh")[0].split()
    assert create == ["script/new-provider", "render"]
    done = CliRunner().invoke(new_provider, ["render", "--into", str(tmp_path / "providers")])
    assert done.exit_code == 0, done.output
    folder = tmp_path / "providers" / "render"
    (schema,) = blocks(PAGE, "json")
    *module, tests = blocks(PAGE, "python")
    (folder / "schema.json").write_text(schema)
    (folder / "work.py").write_text("\n\n".join(module))
    (folder / "test_render.py").write_text(tests)
    return folder


def test_its_tests_pass(folder: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", str(folder)]
    environment = clean_environment(PYTHONPATH=str(folder.parent.parent), PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "4 passed" in done.stdout
    assert blocks(PAGE, "sh")[1] == "script/test providers/render\n"


def test_its_style_is_clean(folder: Path) -> None:
    for command in (["ruff", "check"], ["ruff", "format", "--check"]):
        options = [*command, "--config", str(ROOT / "pyproject.toml"), str(folder)]
        done = subprocess.run([sys.executable, "-m", *options], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_its_commands_work_and_it_keeps_to_the_interface(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(folder.parent.parent))
    database = f"sqlite:///{tmp_path}/render.db"
    looks = itertools.count()
    jobs = RenderJobs(
        3, lambda: float(next(looks))
    )  # time passes when a job is looked at, however busy this machine is
    with (
        running_service(jobs) as service,
        running_provider(WORK="providers.render.work", SERVICE_URL=service, DATABASE_URL=database) as running,
    ):
        script = here("\n".join(blocks(PAGE, "sh")[2:]), running).replace("script/", f"{ROOT}/script/")
        done = subprocess.run(
            ["bash", "-eu"],
            input=script,
            cwd=tmp_path,
            env=clean_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"display_status":"running, ' in done.stdout
    assert '"details":{"map":"https://maps.example/andes-2.png"}' in done.stdout
    assert ", 0 WRONG, " in done.stdout
    assert [job.region for job in jobs.jobs.values()] == ["andes"]  # all others were released


class HangingJobs(RenderJobs):
    """A service whose first submission starts the job, but does not answer until the test lets it."""

    def __init__(self) -> None:
        super().__init__(seconds=0)
        self.started, self.goes_on = threading.Event(), threading.Event()

    def submit(self, id_: str, region: str, zoom: int) -> bool:
        is_new = super().submit(id_, region, zoom)
        if is_new:
            self.started.set()
            self.goes_on.wait(30)
        return is_new


def test_a_provider_that_is_killed_during_a_submission_has_one_job_afterwards(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(folder.parent.parent))
    settings: dict[str, Any] = {"WORK": "providers.render.work", "DATABASE_URL": f"sqlite:///{tmp_path}/render.db"}
    request = {"request_id": "one", "body": {"region": "alps", "zoom": 3}}
    jobs = HangingJobs()
    with running_service(jobs) as service, ThreadPoolExecutor() as pool:
        with running_provider(**settings, SERVICE_URL=service, LEASE_SECONDS="1") as first:
            unanswered = pool.submit(call, f"{first.url}/run", request)
            assert jobs.started.wait(20)
            first.signal_all(signal.SIGKILL)
        with pytest.raises(OSError):  # noqa: PT011  # the connection ends in one of several ways
            unanswered.result()
        jobs.goes_on.set()
        with running_provider(**settings, SERVICE_URL=service, LEASE_SECONDS="1") as second:
            action = call(f"{second.url}/run", request)
            status = f"{second.url}/{action['action_id']}/status"
            ended = until(lambda: (found := call(status)) and found["status"] == "SUCCEEDED" and found, "the end")
    assert ended["details"] == {"map": "https://maps.example/alps-3.png"}
    assert list(jobs.jobs) == [action["action_id"]]
    assert jobs.submissions == 2
