"""A served district, a way to ask it over real HTTP, and a real browser."""

import http.client
from collections.abc import Callable, Iterator

import pytest
from selenium import webdriver

from tests.browser import drain, running_browser, screen
from tests.edge.web.feed import TOKEN, Feed, Served, served


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
    with running_browser(program) as driver:
        yield driver


@pytest.fixture
def browser(chromium: webdriver.Chrome) -> Iterator[webdriver.Chrome]:
    """The browser on an empty page: no cookies, nothing in its console, a light desk-sized screen."""
    screen(chromium, 1440, 900)
    drain(chromium)
    yield chromium
    chromium.get("about:blank")
    chromium.execute_cdp_cmd("Network.clearBrowserCookies", {})
