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

LONGEST_SECONDS = 60
"""How long to wait for what should be there at once, even on a busy machine."""

HOLD = """
const [operation] = arguments;
const send = window.fetch;
window.held = [];
window.fetch = async (path, options) => {
  const response = await send(path, options);
  if (path.endsWith(operation)) await new Promise((go) => held.push(go));
  return response;
};
"""


class DocsPage:
    def __init__(self, browser: Chrome, provider: RunningProvider) -> None:
        self._browser = browser
        self._host = provider.url.removeprefix("http://")
        self.quiet()
        browser.get(f"{provider.url}/docs")
        self.until("Start an action")

    def until(self, text: str) -> None:
        WebDriverWait(self._browser, LONGEST_SECONDS).until(lambda _: text in self.text)

    @property
    def text(self) -> str:
        return self._browser.find_element(By.TAG_NAME, "body").text

    @property
    def actions(self) -> list[str]:
        """The text of each action in the list, read in one step because the list changes all the time."""
        script = "return [...document.querySelectorAll('#actions li')].map((item) => item.innerText)"
        return cast(list[str], self._browser.execute_script(script))

    def press(self, label: str, within: str = "body") -> None:
        def click(_: Chrome) -> bool:
            self.button(label, within).click()
            return True

        WebDriverWait(self._browser, LONGEST_SECONDS, ignored_exceptions=[StaleElementReferenceException]).until(click)

    def button(self, label: str, within: str = "body") -> WebElement:
        return self._browser.find_element(By.CSS_SELECTOR, within).find_element(
            By.XPATH, f".//button[normalize-space()='{label}']"
        )

    def try_out(self, operation: str, word: str) -> None:
        """Open an operation in the list of all operations, execute it, and wait until its response has this word."""
        block = f"#operations-{operation}"
        self._browser.find_element(By.CSS_SELECTOR, f"{block} button.opblock-summary-control").click()
        self._until_there(f"{block} .execute")
        execute = self._browser.find_element(By.CSS_SELECTOR, f"{block} .execute")
        self._browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", execute)
        execute.click()
        table = f"{block} .live-responses-table"
        self._until_there(table)
        WebDriverWait(self._browser, LONGEST_SECONDS).until(
            lambda _: word in self._browser.find_element(By.CSS_SELECTOR, table).text
        )

    def _until_there(self, selector: str) -> None:
        WebDriverWait(self._browser, LONGEST_SECONDS).until(
            lambda _: self._browser.find_elements(By.CSS_SELECTOR, selector)
        )

    def until_actions(self, *words: str) -> None:
        """Wait until there are as many actions as words, and each action shows its word."""
        WebDriverWait(self._browser, LONGEST_SECONDS).until(
            lambda _: (
                len(self.actions) == len(words)
                and all(word in text for word, text in zip(words, self.actions, strict=True))
            )
        )

    def until_answer(self, *words: str) -> None:
        """Wait until the request and response have all these words."""
        WebDriverWait(self._browser, LONGEST_SECONDS).until(lambda _: all(word in self.exchange for word in words))

    @property
    def exchange(self) -> str:
        """The request and response that the page shows."""
        return self._browser.find_element(By.CSS_SELECTOR, "#try section:last-of-type").text

    def hold(self, operation: str) -> None:
        """Hold back the responses to one kind of request, until `let_go`."""
        self._browser.execute_script(HOLD, operation)

    def until_held(self) -> None:
        WebDriverWait(self._browser, LONGEST_SECONDS).until(
            lambda _: self._browser.execute_script("return held.length > 0")
        )

    def let_go(self) -> None:
        """Deliver what was held back, and wait until the page has dealt with it."""
        self._browser.execute_async_script("held.forEach((go) => go()); setTimeout(arguments[0], 50)")

    def quiet(self) -> None:
        """Discard everything logged so far."""
        self._browser.get("about:blank")
        list(requests_of(self._browser))
        log_of(self._browser, "browser")

    def check_that_it_kept_to_itself(self) -> None:
        """Check that the page called no other host, and logged no policy violation or error."""
        assert hosts_of(list(requests_of(self._browser))) == {self._host}
        complaints = [entry for entry in log_of(self._browser, "browser") if entry["level"] in ("WARNING", "SEVERE")]
        assert complaints == []
