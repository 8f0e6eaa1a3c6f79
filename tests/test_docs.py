"""The page at /docs in a real browser, as a newcomer uses it in local mode; and its files, as a program sees them."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from app.web.pages import FILES, LARGE_BYTES
from tests.api import check_error
from tests.browser import running_browser
from tests.conftest import AppFactory
from tests.docs_page import DocsPage
from tests.processes import RunningProvider, running_provider

PAGES = ["/openapi.json", "/docs", "/docs/", "/docs/people.json", *(f"/docs/{name}" for name in FILES)]


@pytest.fixture
def client(new_app: AppFactory) -> FlaskClient:
    return new_app().test_client()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_needs_no_token_and_takes_only_get(client: FlaskClient, path: str) -> None:
    assert client.get(path, buffered=True).status_code == 200
    assert client.head(path, buffered=True).status_code == 200
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
        refused = client.open(path, method=method)
        assert refused.status_code == 405
        check_error(refused.json, "MethodNotAllowed")
        assert refused.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    "name", ["index.html", "swagger-ui.js", "..", "../app.py", "..%2fapp.py", "%2e%2e/app.py", "x"]
)
def test_no_other_file_is_served(client: FlaskClient, name: str) -> None:
    refused = client.get(f"/docs/{name}")
    assert refused.status_code == 404
    check_error(refused.json, "NotFound")


def test_the_page_loads_nothing_from_other_sites(client: FlaskClient) -> None:
    headers = client.get("/docs", buffered=True).headers
    policy = headers["Content-Security-Policy"]
    for rule in ("default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"):
        assert rule in policy.split("; ")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_files_are_sent_once(client: FlaskClient) -> None:
    bundle = "/docs/swagger-ui-bundle.js"
    tag = client.get(bundle, buffered=True).headers["ETag"]
    assert client.get(bundle, headers={"If-None-Match": tag}, buffered=True).status_code == 304


@pytest.mark.parametrize("headers", [{}, {"Accept-Encoding": "br, gzip"}, {"Accept-Encoding": "*"}])
def test_files_are_sent_compressed(client: FlaskClient, headers: dict[str, str]) -> None:
    for name, path in FILES.items():
        response = client.get(f"/docs/{name}", headers=headers, buffered=True)
        assert response.headers["Content-Encoding"] == "gzip"
        assert "Accept-Encoding" in response.headers["Vary"]
        assert gzip.decompress(response.get_data()) == path.read_bytes()


@pytest.mark.parametrize("encodings", ["identity", "gzip;q=0, br"])
def test_no_large_file_is_sent_uncompressed(client: FlaskClient, encodings: str) -> None:
    for name, path in FILES.items():
        response = client.get(f"/docs/{name}", headers={"Accept-Encoding": encodings}, buffered=True)
        if path.stat().st_size > LARGE_BYTES:
            assert response.status_code == 406
            check_error(response.json, "InvalidRequest")
        else:
            assert response.get_data() == path.read_bytes()
    assert client.get("/docs", headers={"Accept-Encoding": encodings}, buffered=True).status_code == 200


def test_in_production_there_are_no_people_to_choose_from(client: FlaskClient) -> None:
    assert client.get("/docs/people.json").json == []


@pytest.mark.parametrize(
    ("installed", "named"),
    [([], "chromium is not installed"), (["chromium"], r"chromedriver is not installed .*chromium-driver")],
    ids=str,
)
def test_a_missing_program_of_the_browser_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, installed: list[str], named: str
) -> None:
    for name in installed:
        (tmp_path / name).touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=named), running_browser(tmp_path):
        pass


@pytest.fixture(scope="module")
def provider() -> Iterator[RunningProvider]:
    with running_provider(MIN_SECONDS="3", MAX_SECONDS="3", FAILURE_RATE="0") as running:
        yield running


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with running_browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def page(chromium: Chrome, provider: RunningProvider) -> DocsPage:
    return DocsPage(chromium, provider)


def test_a_newcomer_runs_watches_and_releases_an_action(page: DocsPage) -> None:
    page.press("alice", "#people")
    page.press("Introspect")
    page.until_answer("GET /", "200", "globus_auth_scope")
    page.press("Run")
    page.until_actions("ACTIVE")
    assert not page.button("Release", "#actions").is_enabled()
    page.until_actions("SUCCEEDED")
    assert "whattimeisit" in page.actions[0]
    page.press("Log", "#actions")
    page.until_answer("STARTED")
    page.press("Release", "#actions")
    page.until_actions()
    page.until_answer("/release", "200")
    page.check_that_it_kept_to_itself()


def test_an_action_that_waits_for_a_person_is_resumed(chromium: Chrome) -> None:
    with running_provider(WORK="examples.approval.work") as running:
        page = DocsPage(chromium, running)
        page.press("alice", "#people")
        page.press("Run")
        page.until_actions("INACTIVE")
        assert "waiting for approval · question: Publish the data set?" in page.actions[0]
        assert page.button("Cancel", "#actions").is_enabled()
        assert not page.button("Release", "#actions").is_enabled()
        page.press("Resume", "#actions")
        page.until_actions("SUCCEEDED")
        assert "approved_by: urn:globus:auth:identity:" in page.actions[0]
        page.check_that_it_kept_to_itself()


@pytest.mark.parametrize(("button", "path"), [("Log", "/log"), ("Cancel", "/cancel")])
def test_a_response_stays_on_screen_while_the_action_is_polled(page: DocsPage, button: str, path: str) -> None:
    page.press("carol", "#people")
    page.hold("/status")
    page.press("Run")
    page.until_held()
    page.press(button, "#actions")
    page.until_answer(path)
    page.let_go()
    assert path in page.exchange


def test_choosing_another_person_clears_the_screen(page: DocsPage, chromium: Chrome) -> None:
    page.press("carol", "#people")
    page.press("Introspect")
    page.until_answer("globus_auth_scope")
    page.try_out("provider-introspect", "globus_auth_scope")
    page.press("bob", "#people")
    assert "globus_auth_scope" not in page.exchange
    assert chromium.find_elements(By.CSS_SELECTOR, "#operations .live-responses-table") == []


def test_a_late_response_is_not_shown_to_the_next_person(page: DocsPage) -> None:
    page.press("carol", "#people")
    page.hold("/run")
    page.press("Run")
    page.until_held()
    page.press("bob", "#people")
    page.let_go()
    assert page.actions == []
    assert "action_id" not in page.exchange


def test_others_do_not_see_the_action_and_its_owner_cancels_it(chromium: Chrome) -> None:
    with running_provider(MIN_SECONDS="600", MAX_SECONDS="600") as running:
        page = DocsPage(chromium, running)
        page.press("alice", "#people")
        page.press("Run")
        page.until_actions("ACTIVE")
        page.press("bob", "#people")
        page.press("List my actions")
        page.until_answer("GET /actions", "200", "[]")
        assert page.actions == []
        page.press("alice", "#people")
        page.press("List my actions")
        page.until_actions("ACTIVE")
        page.press("Cancel", "#actions")
        page.until_actions("CANCELLED")
        page.press("Release", "#actions")
        page.until_actions()


def test_each_operation_can_be_tried_by_itself(page: DocsPage) -> None:
    page.press("carol", "#people")
    page.try_out("provider-introspect", "globus_auth_scope")
    page.until("local-token-carol")
    page.check_that_it_kept_to_itself()


def test_a_wrong_token_and_a_body_that_is_not_json_are_reported(page: DocsPage, chromium: Chrome) -> None:
    token = chromium.find_element(By.ID, "token")
    token.clear()
    token.send_keys("no-such-token")
    page.press("Run")
    page.until_answer("401", "NoAuthentication")
    page.press("alice", "#people")
    chromium.find_element(By.ID, "body").send_keys("}")
    page.press("Run")
    page.until_answer("The body is not JSON")


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_the_page_fits_windows_of_any_width(page: DocsPage, chromium: Chrome, width: int) -> None:
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    page.press("alice", "#people")
    page.press("Introspect")
    page.until_answer("globus_auth_scope")
    overflow = chromium.execute_script("return document.documentElement.scrollWidth - innerWidth")
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert overflow <= 0
