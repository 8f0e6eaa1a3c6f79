"""The page at /docs as a person uses it."""

from __future__ import annotations

from typing import cast

from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from tests.browser import hosts_of, log_of, requests_of
from tests.processes import RunningProvider


class DocsPage:
    def __init__(self, browser: Chrome, provider: RunningProvider) -> None:
        self._browser = browser
        self._host = provider.url.removeprefix("http://")
        self.quiet()
        browser.get(f"{provider.url}/docs")
        self.until("Start an action")

    def until(self, text: str) -> None:
        WebDriverWait(self._browser, 20).until(lambda _: text in self.text)

    @property
    def text(self) -> str:
        return self._browser.find_element(By.TAG_NAME, "body").text

    @property
    def actions(self) -> list[str]:
        """What each action of the list shows; asked in one go, since the list is made anew all the time."""
        script = "return [...document.querySelectorAll('#actions li')].map((item) => item.innerText)"
        return cast(list[str], self._browser.execute_script(script))

    def press(self, label: str, within: str = "body") -> None:
        def click(_: Chrome) -> bool:
            self.button(label, within).click()
            return True

        WebDriverWait(self._browser, 20, ignored_exceptions=[StaleElementReferenceException]).until(click)

    def button(self, label: str, within: str = "body") -> WebElement:
        return self._browser.find_element(By.CSS_SELECTOR, within).find_element(
            By.XPATH, f".//button[normalize-space()='{label}']"
        )

    def until_actions(self, *words: str) -> None:
        """Wait until there are as many actions as words, and each shows its word."""
        WebDriverWait(self._browser, 20).until(
            lambda _: (
                len(self.actions) == len(words)
                and all(word in text for word, text in zip(words, self.actions, strict=True))
            )
        )

    def until_answer(self, *words: str) -> None:
        """Wait until what was asked and answered has all these words."""
        exchange = self._browser.find_element(By.CSS_SELECTOR, "#try section:last-of-type")
        WebDriverWait(self._browser, 20).until(lambda _: all(word in exchange.text for word in words))

    def quiet(self) -> None:
        """Forget what was logged so far."""
        self._browser.get("about:blank")
        list(requests_of(self._browser))
        log_of(self._browser, "browser")

    def check_that_it_kept_to_itself(self) -> None:
        """That nothing was asked of another host, refused by the page's own policy, or went wrong in its programs."""
        assert hosts_of(list(requests_of(self._browser))) == {self._host}
        complaints = [entry for entry in log_of(self._browser, "browser") if entry["level"] in ("WARNING", "SEVERE")]
        assert complaints == []
