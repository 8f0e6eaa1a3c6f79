"""The files through which workers are counted together: on a full disk, deleted, and left behind by a killed server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from app.monitoring.shared_counts import FILE_BYTES, FOLDER, _reserved, remove_dead_files
from tests.processes import RunningProvider, clean_environment, free_port, running_provider
from tests.test_http import refusal
from tests.test_monitoring import figures
from tests.test_supervision import serves, worker_ids
from tests.waiting import until

HEADERS = {"Authorization": "Bearer local-token-alice"}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 96 KB, which the tests fill."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=96k", "tmpfs", str(folder)]
    if sys.platform != "linux" or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this process may not mount a file system (that takes root, and Linux)")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def introspections(provider: RunningProvider) -> float:
    page = requests.get(f"{provider.url}/metrics", timeout=60)
    assert page.status_code == 200
    return figures(page.text)["request_seconds_count{operation=introspect,status=200}"]


def check_counts(provider: RunningProvider, before: int = 0) -> None:
    for _ in range(5):
        assert requests.get(f"{provider.url}/", headers=HEADERS, timeout=60).status_code == 200
    for number in range(100):  # as many new labels as requests can create
        requests.get(f"{provider.url}/{number}", headers=HEADERS, timeout=60)
    assert introspections(provider) == before + 5


def test_on_a_full_disk_the_server_keeps_running_and_each_worker_counts_for_itself(small_disk: Path) -> None:
    with running_provider(environment={FOLDER: str(small_disk)}) as provider:
        check_counts(provider)
        assert list(small_disk.iterdir()) == []
        provider.process.terminate()
        _, errors = provider.process.communicate(timeout=60)
    assert "WARNING This process is not counted in the shared metrics: No space left on device" in errors
    assert "Traceback" not in errors


def test_without_a_place_for_the_folder_a_process_counts_for_itself() -> None:
    script = (
        "import tempfile\n"
        "from app.monitoring.shared_counts import prepare_folder\n"
        "def fail(**_): raise OSError(28, 'No space left on device')\n"
        "tempfile.mkdtemp = fail\n"
        "prepare_folder()\n"
        "from app.monitoring.metrics import Metrics\n"
        "metrics = Metrics()\n"
        "metrics.action('started')\n"
        "assert b'action_provider_actions_total{event=\"started\"} 1.0' in metrics.render()\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stderr.splitlines() == [
        "Each worker counts for itself: there is no folder for shared metrics (No space left on device)"
    ]


def test_a_deleted_folder_breaks_no_request(tmp_path: Path) -> None:
    folder = tmp_path / "metrics"
    folder.mkdir()
    with running_provider(environment={FOLDER: str(folder)}) as provider:
        check_counts(provider)
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
        check_counts(provider, before=5)


def test_a_missing_folder_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path / "missing"))
    line = refusal(f"--port={free_port()}", f"--auth-port={free_port()}")
    assert f"{FOLDER}={tmp_path}/missing is not a folder. Create it, or leave the variable unset." in line


def test_files_left_by_a_killed_server_are_not_counted(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("kept")
    for _ in range(2):
        with running_provider(environment={FOLDER: str(tmp_path)}) as provider:
            check_counts(provider)
            for process in (provider.process.pid, *worker_ids(provider)):
                os.kill(process, signal.SIGKILL)
            provider.process.wait()
    assert (tmp_path / "notes.txt").exists()


def test_the_folder_of_a_killed_server_is_removed_by_its_workers(tmp_path: Path) -> None:
    with running_provider(environment={"TMPDIR": str(tmp_path)}) as provider:
        assert len(list(tmp_path.glob("metrics-*"))) == 1
        provider.process.kill()
        until(lambda: not list(tmp_path.glob("metrics-*")), "the folder to be removed")


def test_a_replaced_worker_continues_the_counts(tmp_path: Path) -> None:
    with running_provider(environment={FOLDER: str(tmp_path)}) as provider:
        check_counts(provider)
        (worker,) = worker_ids(provider)
        os.kill(worker, signal.SIGKILL)
        until(lambda: worker_ids(provider) not in ([], [worker]) and serves(provider), "another worker")
        assert introspections(provider) == 6


def test_a_damaged_file_hides_only_the_counts_of_other_workers(tmp_path: Path) -> None:
    with running_provider(environment={FOLDER: str(tmp_path)}) as provider:
        (tmp_path / "counter_1.db").write_bytes(b"\xff" * 4096)
        check_counts(provider)


def test_files_of_running_processes_are_kept(tmp_path: Path) -> None:
    alive, dead = tmp_path / "counter_1.db", tmp_path / "histogram_2.db"
    dead.touch()
    with _reserved(alive, 100):
        remove_dead_files(tmp_path)
        assert list(tmp_path.iterdir()) == [alive]
    remove_dead_files(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_all_labels_fit_in_the_reserved_space(tmp_path: Path) -> None:
    """prometheus-client would make a larger file, and that a sparse one."""
    script = (
        "from itertools import product\n"
        "from app.monitoring.metrics import Metrics\n"
        "metrics = Metrics()\n"
        "operations = [f'operation-{number}' for number in range(25)]\n"
        "statuses = [200, 202, 204, 304, 400, 401, 403, 404, 405, 408, 409, 413, 414, 415, 500, 503]\n"
        "for operation, status in product(operations, statuses): metrics.request(operation, status, 1)\n"
        "for call in operations: metrics.database(call, 1)\n"
        "for hook, result in product(('begin', 'advance', 'cancel', 'release'), ('returned', 'raised')):\n"
        "    metrics.hook(hook, result, 1)\n"
        "for service, result in product(('auth', 'groups'), ('answered', 'failed')):\n"
        "    metrics.globus(service, result, 1)\n"
    )
    environment = clean_environment(**{FOLDER: str(tmp_path)})
    subprocess.run([sys.executable, "-c", script], env=environment, check=True)
    for path in tmp_path.iterdir():
        assert path.stat().st_size == FILE_BYTES[path.name.partition("_")[0]]
