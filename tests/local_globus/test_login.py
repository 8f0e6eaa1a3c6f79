"""The codes of logins, and the pages in a real browser."""

from __future__ import annotations

from pathlib import Path

import globus_sdk
import pytest
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from local_globus.codes import CODE_SECONDS, MAX_PENDING, Codes, PendingLogin
from local_globus.directory import PROVIDER_SCOPE
from local_globus.server import RunningGlobus
from tests.browser import log_of, running_browser
from tests.local_globus.person import choose

CLIENT = "0e0e0e0e-0000-4000-8000-000000000000"
TRANSFER = "urn:globus:auth:scope:transfer.api.globus.org:all"
LOGIN = PendingLogin("alice", CLIENT, "http://localhost/", "openid", "", "", "online")


class Time:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def start_login(scope: str = PROVIDER_SCOPE) -> globus_sdk.NativeAppAuthClient:
    client = globus_sdk.NativeAppAuthClient(CLIENT)
    client.oauth2_start_flow(scope)
    return client


def test_a_code_is_short(running: RunningGlobus) -> None:
    assert len(choose(start_login().oauth2_get_authorize_url(), "alice")) == 20


def test_a_code_works_once(running: RunningGlobus) -> None:
    client = start_login()
    code = choose(client.oauth2_get_authorize_url(), "alice")
    client.oauth2_exchange_code_for_tokens(code)
    with pytest.raises(globus_sdk.AuthAPIError, match="the code is not valid"):
        client.oauth2_exchange_code_for_tokens(code)


def test_a_code_is_used_up_by_one_of_two_simultaneous_requests() -> None:
    codes = Codes()
    code = codes.issue(LOGIN)
    assert codes.get(code) == LOGIN
    assert [codes.use(code), codes.use(code)] == [True, False]


def test_a_code_is_valid_for_ten_minutes() -> None:
    time = Time()
    codes = Codes(time)
    code = codes.issue(LOGIN)
    time.now = CODE_SECONDS - 1
    assert codes.get(code) == LOGIN
    time.now = CODE_SECONDS
    assert codes.get(code) is None
    assert not codes.use(code)


def test_many_logins_that_are_never_finished_do_not_fill_the_memory() -> None:
    codes = Codes()
    first, *_, last = [codes.issue(LOGIN) for _ in range(MAX_PENDING + 1)]
    assert (codes.get(first), codes.get(last)) == (None, LOGIN)


def test_a_person_consents_and_copies_the_code_in_a_browser(running: RunningGlobus, tmp_path: Path) -> None:
    client = start_login(f"{PROVIDER_SCOPE}[{TRANSFER}]")
    with running_browser(tmp_path) as browser:
        browser.implicitly_wait(10)  # a click may return before the next page is there
        browser.execute_cdp_cmd(
            "Browser.grantPermissions", {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
        )
        browser.get(client.oauth2_get_authorize_url())
        browser.find_element(By.LINK_TEXT, "alice@local.example").click()
        assert TRANSFER in browser.find_element(By.TAG_NAME, "main").text
        browser.find_element(By.CSS_SELECTOR, "button[value=allow]").click()
        code = browser.find_element(By.ID, "auth_code").text
        assert client.oauth2_exchange_code_for_tokens(code).by_scopes[PROVIDER_SCOPE]
        button = browser.find_element(By.CSS_SELECTOR, "button[data-copy]")
        button.click()
        assert browser.execute_async_script("navigator.clipboard.readText().then(arguments[0])") == code
        assert button.text == "Copied"
        browser.get(f"{running.url}v2/web/consents?as=alice")
        browser.find_elements(By.CSS_SELECTOR, ".consent button")[-1].click()
        changing = (NoSuchElementException, StaleElementReferenceException)
        WebDriverWait(browser, 10, ignored_exceptions=changing).until(
            lambda browser: TRANSFER not in browser.find_element(By.TAG_NAME, "main").text
        )
        assert not [entry for entry in log_of(browser, "browser") if entry["level"] == "SEVERE"]
