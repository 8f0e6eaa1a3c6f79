"""Debian's Prometheus scrapes a real provider, as docs/operate.md sets it up, and answers the dashboard's queries."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.nginx import HEADERS, indented_block, replace
from tests.processes import ROOT, RunningProvider, find_program, free_port, running_provider
from tests.waiting import until

DASHBOARD = json.loads((ROOT / "docs" / "grafana.json").read_text("utf-8"))
QUERIES = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
ALERTS = ROOT / "docs" / "alerts.yaml"


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProvider]:
    """A provider with two workers."""
    url = f"sqlite:///{tmp_path_factory.mktemp('prometheus')}/actions.db"
    with running_provider("--workers=2", DATABASE_URL=url, MIN_SECONDS="0.001", MAX_SECONDS="0.001") as running:
        yield running


def use(provider: RunningProvider) -> None:
    """Start an action and see its end; ask for one that is not there, also with a token that nobody has."""
    body: Any = {"request_id": uuid.uuid4().hex, "body": {"utc_offset": 1}}
    started = requests.post(f"{provider.url}/run", json=body, headers=HEADERS, timeout=60)
    assert started.status_code == 202
    requests.get(f"{provider.url}/{started.json()['action_id']}/status", headers=HEADERS, timeout=60)
    requests.get(f"{provider.url}/none/status", headers=HEADERS, timeout=60)
    unknown = {"Authorization": f"Bearer {uuid.uuid4().hex}"}  # a question to Globus Auth each time
    assert requests.get(f"{provider.url}/none/status", headers=unknown, timeout=60).status_code == 401


@pytest.fixture(scope="module")
def prometheus(provider: RunningProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Prometheus that asks the provider, and has no other target, every second."""
    program = find_program("prometheus")
    folder = tmp_path_factory.mktemp("prometheus")
    port = free_port()
    addresses = {'["10.0.0.1:8080", "10.0.0.2:8080"]': f'["127.0.0.1:{provider.port}"]'}
    names = {"/etc/prometheus/whattime-alerts.yaml": str(ALERTS), "15s": "1s"}
    config = folder / "prometheus.yml"
    config.write_text(replace(indented_block("In `/etc/prometheus/prometheus.yml`:"), addresses | names))
    options = [
        f"--config.file={config}",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    process = subprocess.Popen([program, *options, "--log.level=error"])
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(60)


def ask(prometheus: str, query: str) -> list[Any]:
    """Return the results of a query; none while Prometheus starts."""
    with contextlib.suppress(requests.ConnectionError):
        response = requests.get(f"{prometheus}/api/v1/query", params={"query": query}, timeout=60)
        if response.status_code != 503:
            assert response.json()["status"] == "success", response.text
            return list(response.json()["data"]["result"])
    return []


@pytest.mark.parametrize("query", QUERIES)
def test_each_query_of_the_dashboard_has_a_result(provider: RunningProvider, prometheus: str, query: str) -> None:
    expression = query.replace("$__rate_interval", "10s")
    assert "$" not in expression

    def result() -> list[float]:
        use(provider)
        return [float(each["value"][1]) for each in ask(prometheus, expression) if each["value"][1] not in ("0", "NaN")]

    assert until(result, "a result that is not zero")


def test_prometheus_sees_the_server_and_counts_its_workers_together(provider: RunningProvider, prometheus: str) -> None:
    def count() -> int:
        return int(sum(float(each["value"][1]) for each in ask(prometheus, started)))

    started = 'action_provider_actions_total{event="started"}'
    until(lambda: ask(prometheus, 'up{job="whattime"} == 1'), "a scrape")
    use(provider)
    page = requests.get(f"{provider.url}/metrics", timeout=60).text
    exact = re.search(r'^action_provider_actions_total\{event="started"\} ([\d.]+)$', page, re.MULTILINE)
    assert exact
    until(lambda: count() == int(float(exact[1])), "the same number in Prometheus")


def test_prometheus_evaluates_the_alerts_and_none_fires(provider: RunningProvider, prometheus: str) -> None:
    def rules() -> list[Any]:
        with contextlib.suppress(requests.ConnectionError):
            groups = requests.get(f"{prometheus}/api/v1/rules", timeout=60).json()["data"]["groups"]
            found = [rule for group in groups for rule in group["rules"]]
            return found if all(rule["health"] != "unknown" for rule in found) else []
        return []

    evaluated = until(rules, "the alerts to be evaluated")
    assert len(evaluated) == ALERTS.read_text("utf-8").count("- alert:")
    assert {(rule["health"], rule["state"]) for rule in evaluated} == {("ok", "inactive")}


def test_promtool_finds_no_fault_with_the_metrics(provider: RunningProvider) -> None:
    use(provider)
    page = requests.get(f"{provider.url}/metrics", timeout=60).text
    promtool = find_program("promtool", "prometheus")
    done = subprocess.run([promtool, "check", "metrics"], input=page, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "arguments", [("check", "rules", "docs/alerts.yaml"), ("test", "rules", "tests/test_alerts.yaml")]
)
def test_promtool_finds_no_fault_with_the_alerts(arguments: tuple[str, ...]) -> None:
    promtool = find_program("promtool", "prometheus")
    done = subprocess.run([promtool, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_finds_no_fault_with_the_configuration(tmp_path: Path) -> None:
    config = tmp_path / "prometheus.yml"
    text = indented_block("In `/etc/prometheus/prometheus.yml`:")
    config.write_text(replace(text, {"/etc/prometheus/whattime-alerts.yaml": str(ALERTS)}))
    promtool = find_program("promtool", "prometheus")
    done = subprocess.run([promtool, "check", "config", config], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
