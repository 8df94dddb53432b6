"""A served district, a way to ask it over real HTTP, and a real browser."""

import http.client
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from tests.edge.web.feed import TOKEN, Feed, Served, served

FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-background-networking "
    "--disable-component-update --disable-sync --no-first-run --window-size=1440,900"
).split()


@pytest.fixture
def feed() -> Feed:
    """A district that has run for a minute."""
    made = Feed()
    for _ in range(60):
        made.step()
    return made


@pytest.fixture
def site(feed: Feed) -> Iterator[Served]:
    """The feed, served on a free port."""
    with served(feed) as running:
        yield running


Answer = tuple[int, dict[str, str], bytes]


@pytest.fixture
def ask(site: Served) -> Callable[..., Answer]:
    """GET a path; with the token as a bearer by default. Returns status, headers in lower case, body."""

    def get(path: str, token: str | None = TOKEN, method: str = "GET", **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=10)
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        try:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    return get


@pytest.fixture(scope="session")
def chromium(program: Callable[[str], str]) -> Iterator[webdriver.Chrome]:
    """One browser for all tests of the page; it records its console."""
    options = webdriver.ChromeOptions()
    options.binary_location = program("chromium")
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(program("chromedriver")))
    driver.set_page_load_timeout(60)
    yield driver
    driver.quit()


@pytest.fixture
def browser(chromium: webdriver.Chrome) -> Iterator[webdriver.Chrome]:
    """The browser on an empty page: no cookies, nothing in its console, a light desk-sized screen."""
    screen(chromium, 1440, 900)
    drain(chromium)
    yield chromium
    chromium.get("about:blank")
    chromium.execute_cdp_cmd("Network.clearBrowserCookies", {})


def screen(driver: webdriver.Chrome, width: int, height: int, theme: str = "light") -> None:
    """Give the page a viewport and a colour scheme."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = {"features": [{"name": "prefers-color-scheme", "value": theme}]}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", features)


def drain(driver: webdriver.Chrome) -> list[dict[str, Any]]:
    """The console's entries since the last call."""
    driver.get_log("performance")
    return driver.get_log("browser")
