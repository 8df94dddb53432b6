"""The console in a real Chromium: readable on every screen, alive while it is looked at, and silent while it is not."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from central.console import events
from central.figures import cache
from central.store.open import open_store
from tests.browser import drain, running_browser, screen, unreadable
from tests.central.consoles import NOW_MS, PASSWORD, Served, window
from tests.central.stores import merge

WAIT_S = 30
PAGES = (
    "/",
    "/health",
    "/orders",
    "/latency",
    "/demand",
    "/reconciliation",
    "/ledger",
    "/quarantine",
    "/rollouts",
    "/rollouts?version=2",
    "/enrolment",
    "/audit",
    "/account",
    "/nodes/shop-1",
)


@pytest.fixture(scope="module")
def chromium(program: Callable[[str], str]) -> Iterator[Chrome]:
    """One for all tests of the file."""
    with running_browser(program) as driver:
        yield driver


@pytest.fixture
def browser(chromium: Chrome, console: Served) -> Iterator[Chrome]:
    """Logged in by the form, as an admin, on a desk-sized light screen; nothing is in its console afterwards."""
    screen(chromium, 1440, 900)
    drain(chromium)
    chromium.get(f"{console.url}/login")
    chromium.find_element(By.NAME, "name").send_keys("admin")
    chromium.find_element(By.NAME, "password").send_keys(PASSWORD, Keys.ENTER)
    wait("the first page", lambda: chromium.current_url == f"{console.url}/", chromium)
    yield chromium
    assert drain(chromium) == []
    chromium.get("about:blank")
    chromium.execute_cdp_cmd("Network.clearBrowserCookies", {})


def wait(what: str, true: Callable[[], Any], browser: Chrome) -> None:
    """Until `true`, or fail naming what was waited for."""
    WebDriverWait(browser, WAIT_S, poll_frequency=0.05).until(lambda _: true(), what)


@pytest.mark.parametrize(
    ("width", "height", "theme", "language"),
    [(390, 844, "dark", "zh"), (390, 844, "light", "en"), (820, 1180, "light", "zh"), (1400, 900, "dark", "en")],
)
def test_every_page_is_readable(
    browser: Chrome, console: Served, width: int, height: int, theme: str, language: str
) -> None:
    """Nothing is wider than the screen or cut off, text has WCAG AA contrast, everything has a name, in each language,
    on a phone, a tablet and a desk, light and dark; charts are drawn, and no request goes elsewhere."""
    screen(browser, width, height, theme)
    browser.add_cookie({"name": "doorstep-language", "value": language})
    for path in PAGES:
        browser.get(console.url + path)
        assert unreadable(browser) == [], path
        assert browser.execute_script("return document.documentElement.lang") == {"zh": "zh-CN", "en": "en"}[language]
        names = browser.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
        assert all(name.startswith(console.url) for name in names)
        drawn = browser.execute_script(DRAWN)
        assert all(pixels > 100 for pixels in drawn), (path, drawn)
        assert bool(drawn) == (path in ("/orders", "/latency", "/nodes/shop-1"))


def test_a_page_moves_when_something_is_stored(
    browser: Chrome, console: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number changes in place: what is open stays open, and the chart is the same one with other figures."""
    monkeypatch.setattr(events, "LOOK_S", 0.2)
    monkeypatch.setattr(cache, "KEPT_S", 0.1)
    monkeypatch.setattr(cache, "SHARE", 0)
    browser.get(f"{console.url}/orders")
    wait("the stream", lambda: "live" in browser.find_element(By.ID, "live").text, browser)
    browser.execute_script(
        "document.querySelector('details').open = true; window.kept = document.querySelector('canvas')"
    )
    tile = browser.find_element(By.CSS_SELECTOR, "#tiles dd")
    before = tile.text
    chart = browser.execute_script("return document.querySelector('.plot').dataset.chart")
    store = open_store(console.data, beside=True)
    merge(store, 2000, [window(NOW_MS, 0)], "shop-2", NOW_MS)
    store.close()
    wait("the new number", lambda: tile.text != before, browser)
    assert browser.execute_script("return document.querySelector('details').open")
    assert browser.execute_script("return window.kept.isConnected")
    assert browser.execute_script("return document.querySelector('.plot').dataset.chart") != chart


def test_a_hidden_tab_has_no_stream(browser: Chrome, console: Served) -> None:
    """It closes its stream, and opens one when somebody looks again."""
    browser.get(f"{console.url}/")
    wait("the stream", lambda: "live" in browser.find_element(By.ID, "live").text, browser)
    browser.execute_script(HIDE, True)
    wait("the pause", lambda: "paused" in browser.find_element(By.ID, "live").text, browser)
    browser.execute_script(HIDE, False)
    wait("the stream again", lambda: "live" in browser.find_element(By.ID, "live").text, browser)


def test_a_range_is_chosen_by_keyboard(browser: Chrome, console: Served) -> None:
    """Without a mouse, and without a button: the page follows the choice."""
    browser.get(f"{console.url}/orders")
    browser.find_element(By.NAME, "range").send_keys("the last 7")
    browser.find_element(By.NAME, "range").send_keys(Keys.ENTER)
    wait("the range", lambda: "range=7d" in browser.current_url, browser)
    browser.get(f"{console.url}/orders")
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    assert browser.execute_script("return document.activeElement.className") == "skip"


def test_a_rollout_is_stopped_by_keyboard(browser: Chrome, console: Served) -> None:
    """The button is named after what it does; the page shows the new state."""
    browser.get(f"{console.url}/rollouts")
    button = browser.find_element(By.CSS_SELECTOR, "button[name=how]")
    assert button.accessible_name == "Stop, and go back"
    button.send_keys(Keys.ENTER)
    wait("the new state", lambda: browser.find_elements(By.CSS_SELECTOR, "#version-3 .state.stopped"), browser)


def test_an_ended_session_leads_to_the_log_in(browser: Chrome, console: Served) -> None:
    """What is shown does not stay on the screen of somebody whose session has ended."""
    browser.get(f"{console.url}/")
    wait("the stream", lambda: "live" in browser.find_element(By.ID, "live").text, browser)
    browser.delete_all_cookies()
    browser.execute_script("document.dispatchEvent(new Event('visibilitychange'))")
    wait("the log-in", lambda: "/login" in browser.current_url, browser)
    drain(browser)  # the refused refresh stands there


DRAWN = """
return [...document.querySelectorAll(".plot canvas")].map((canvas) => {
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let count = 0;
  for (let i = 3; i < data.length; i += 4) count += data[i] > 0;
  return count;
});
"""
HIDE = """
const hidden = arguments[0];
Object.defineProperty(document, "hidden", { get: () => hidden, configurable: true });
document.dispatchEvent(new Event("visibilitychange"));
"""
