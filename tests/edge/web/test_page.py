"""The page in a real Chromium: it shows what the node reports, offline, on every screen, and shows when it is old."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from edge.web.pages import STATIC
from edge.words.words import words as table
from tests.browser import drain, screen, unreadable
from tests.edge.web.feed import TOKEN, Feed, Served, served

WAIT_S = 30


def text(browser: Chrome, selector: str) -> str:
    """What a reader sees of an element, without moving markup in between."""
    return str(browser.execute_script("return document.querySelector(arguments[0]).innerText", selector))


def wait(browser: Chrome, what: str, true: Callable[[], Any]) -> None:
    """Until `true`, or fail naming what was waited for."""
    WebDriverWait(browser, WAIT_S, poll_frequency=0.1).until(lambda _: true(), what)


def pixels(browser: Chrome, selector: str) -> int:
    """How many pixels of a canvas are drawn on."""
    return browser.execute_script(
        "const c = document.querySelector(arguments[0]);"
        "const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        "let n = 0; for (let i = 3; i < d.length; i += 4) n += d[i] > 0; return n",
        selector,
    )


def image(browser: Chrome) -> str:
    """The map as it looks now."""
    return browser.execute_script("return document.querySelector('#map').toDataURL()")


@pytest.fixture
def page(browser: Chrome, site: Served) -> Iterator[Chrome]:
    """The page, opened through the link that a person gets, with the first answers shown."""
    browser.get(site.link)
    wait(browser, "the first answer", lambda: text(browser, "#node") == "shop-7")
    yield browser
    assert drain(browser) == []  # nothing in the console: no error, no blocked or missing resource


def test_the_link_opens_the_page_at_a_clean_address(page: Chrome, site: Served) -> None:
    """The token is gone from the address bar, scripts cannot see the cookie, and a reload needs no token."""
    assert page.current_url == site.url
    assert page.execute_script("return document.cookie") == ""
    page.refresh()
    wait(page, "the page after a reload", lambda: text(page, "#node") == "shop-7")


def test_every_part_shows_what_the_node_reports(page: Chrome) -> None:
    """Health, tiles, tables, charts, map and the note on what is kept are filled from the two answers."""
    wait(page, "rates, from two answers", lambda: text(page, "#tile-events") != "–")
    assert text(page, "#state") == "All is well."
    assert text(page, "#tile-orders") == "30"
    assert text(page, "#tile-late") == "8"
    assert text(page, "#tile-riders") == "41"
    assert text(page, "#tile-p50").endswith("ms")
    for selector, words in {
        "#latency": ("Wait", "Commit", "All"),
        "#orders": ("Placed", "Delivered"),
        "#riders": ("Idle", "Silent"),
        "#refused": ("Too late",),
        "#dropped": ("Malformed", "Duplicates"),
        "#sync": ("117 of 118", "482.1 kB", "up"),
        "#queues": ("Rounds for the disk", "3 of 4,096"),
        "#process": ("MB",),
        "#keeps": ("memory only", "7 days"),
        "#map-note": ("12 shops, 40 riders, 30 open orders",),
        "#legend": ("Shop", "Rider, idle", "Order picked up"),
    }.items():
        for word in words:
            assert word in text(page, selector), (selector, text(page, selector))
    assert pixels(page, "#map") > 2000
    assert pixels(page, "#chart-latency") > 200
    assert pixels(page, "#chart-rate") > 200


def test_orders_to_look_at_come_with_their_reason(page: Chrome) -> None:
    """The latest first, with what happens to it now; whoever is in time is not in the list."""
    found = [line for line in text(page, "#late").splitlines() if line]
    assert found[:3] == ["o29", "7 min late", "picked up: r29 is at the door"]
    assert "waits 6 min" in found
    assert "o0" not in found
    assert text(page, "#late-hint").startswith("Why: doorstep explain")


def test_states_stand_in_the_sequence_of_a_life(page: Chrome) -> None:
    """Those that nothing is in stand there too, so that no line jumps."""
    states = [line.split("\t")[0].strip() for line in text(page, "#orders").splitlines()[1:]]
    assert states == ["Placed", "Offered", "Accepted", "At shop", "Picked up", "At customer", "Returning", "Delivered"]
    states = [line.split("\t")[0].strip() for line in text(page, "#riders").splitlines()[1:]]
    assert states == ["Idle", "Offered", "Busy", "Silent"]


def test_a_problem_is_reported_and_goes_again(page: Chrome, feed: Feed) -> None:
    """Degraded state, its sentence and the other problems appear, and disappear when they are over."""
    feed.sync |= {"connected": False, "last_ack_age_s": 7200}
    feed.status.alarm("journal", "The disk is full. Free some space.", serving=False)
    wait(page, "degraded", lambda: text(page, "#state") == "Degraded.")
    assert "The disk is full" in text(page, "#sentence")
    assert "The centre has not been reached for 2 h" in text(page, "#problems")
    assert page.title.startswith("⚠")
    feed.sync |= {"connected": True, "last_ack_age_s": 1}
    feed.status.alarm("journal", None)
    wait(page, "well again", lambda: text(page, "#state") == "All is well.")
    assert not page.find_element(By.ID, "problems").is_displayed()


def test_a_node_that_stops_answering_is_reported_with_the_age_of_what_is_shown(browser: Chrome, feed: Feed) -> None:
    """Silence is shown as a problem, old values are dimmed, and the page comes back by itself when the node does."""
    with served(feed) as first:
        port = first.port
        browser.get(first.link)
        wait(browser, "the first answer", lambda: text(browser, "#state") == "All is well.")
    wait(browser, "the silence", lambda: text(browser, "#state") == "No answer.")
    assert "does not answer" in text(browser, "#sentence")
    assert "last answer" in text(browser, "#answered")
    assert browser.execute_script("return document.body.classList.contains('silent')")
    with served(feed, port):
        wait(browser, "the return", lambda: text(browser, "#state") == "All is well.")
        assert not browser.execute_script("return document.body.classList.contains('silent')")


def test_a_token_that_is_no_longer_valid_is_reported(browser: Chrome, site: Served) -> None:
    """When the cookie is gone, the page explains how to get a new link instead of showing old values as new."""
    browser.get(site.link)
    wait(browser, "the first answer", lambda: text(browser, "#state") == "All is well.")
    browser.delete_all_cookies()
    wait(browser, "the refusal", lambda: "doorstep status" in text(browser, "#sentence"))


def test_the_map_moves_and_fits_by_mouse_and_by_keyboard(page: Chrome) -> None:
    """Plus, arrows, wheel and buttons change the view and release the fit; 0 and Fit bring it back."""
    canvas = page.find_element(By.ID, "map")
    fit = page.find_element(By.ID, "fit")
    wait(page, "the map", lambda: pixels(page, "#map") > 2000)
    for change in (
        lambda: canvas.send_keys("+"),
        lambda: canvas.send_keys(Keys.ARROW_LEFT),
        lambda: ActionChains(page).drag_and_drop_by_offset(canvas, 60, 30).perform(),
        lambda: page.find_element(By.ID, "zoom-in").click(),
        lambda: ActionChains(page).scroll_from_origin(_origin(canvas), 0, -200).perform(),
    ):
        canvas.send_keys("0")
        assert fit.get_attribute("aria-pressed") == "true"
        before = image(page)
        change()
        assert fit.get_attribute("aria-pressed") == "false"
        assert image(page) != before
    fit.click()
    assert fit.get_attribute("aria-pressed") == "true"


def _origin(canvas: Any) -> Any:
    from selenium.webdriver.common.actions.wheel_input import ScrollOrigin

    return ScrollOrigin.from_element(canvas)


def test_hovering_names_what_is_under_the_pointer(browser: Chrome) -> None:
    """The tip shows id, state and age of the nearest thing, and goes when the pointer leaves."""
    feed = Feed(0, 0, 1)
    with served(feed) as site:
        browser.get(site.link)
        wait(browser, "the order", lambda: "1 open orders" in text(browser, "#map-note"))
        canvas = browser.find_element(By.ID, "map")
        ActionChains(browser).move_to_element(canvas).perform()  # one thing, fitted: it is in the middle
        wait(browser, "the tip", lambda: browser.find_element(By.ID, "tip").is_displayed())
        assert text(browser, "#tip") == "Order o0\nplaced, ordered 60 s ago\nr0 is at the door"
        ActionChains(browser).move_to_element(browser.find_element(By.ID, "node")).perform()
        wait(browser, "no tip", lambda: not browser.find_element(By.ID, "tip").is_displayed())


def test_a_name_that_was_tapped_stays(browser: Chrome) -> None:
    """A finger that has left the glass has not left the thing that it tapped."""
    with served(Feed(0, 0, 1)) as site:
        browser.get(site.link)
        wait(browser, "the order", lambda: "1 open orders" in text(browser, "#map-note"))
        x, y, width, height = browser.execute_script(
            "const b = document.querySelector('#map').getBoundingClientRect(); return [b.x, b.y, b.width, b.height]"
        )
        point = {"x": x + width / 2, "y": y + height / 2}
        browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True})
        browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
        browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})
        wait(browser, "the tip", lambda: "Order o0" in text(browser, "#tip"))
        assert browser.find_element(By.ID, "tip").is_displayed()


def test_an_empty_node_has_a_page_too(browser: Chrome) -> None:
    """Before the first event there is a page with dashes and words, not with errors."""
    with served(Feed(0, 0, 0)) as site:
        browser.get(site.link)
        wait(browser, "the first answer", lambda: text(browser, "#node") == "shop-7")
        assert text(browser, "#map-empty") == "No shops, riders or orders yet."
        assert text(browser, "#refused") == "Refused\nNothing refused."
        assert text(browser, "#tile-p50") == "–"
        assert drain(browser) == []


def test_names_from_clients_are_text_not_markup(browser: Chrome) -> None:
    """An id or an error text with tags in it is shown as it is; nothing of it runs."""
    feed = Feed(0, 0, 1)
    feed.status.alarm("x", "<img src=x onerror=alert(1)> & more.")
    with served(feed) as site:
        browser.get(site.link)
        wait(browser, "the sentence", lambda: "<img" in text(browser, "#sentence"))
        assert browser.execute_script("return document.querySelectorAll('#health img').length") == 0


def test_the_page_asks_nobody_but_the_node(page: Chrome, site: Served) -> None:
    """Every request of the page went to the node's own address."""
    names = page.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert names
    assert all(name.startswith(site.url) for name in names)


def test_a_hidden_page_does_not_poll(page: Chrome) -> None:
    """With the tab in the background the node is left alone."""
    page.execute_script("Object.defineProperty(document, 'hidden', {get: () => true})")
    page.execute_async_script("setTimeout(arguments[0], 1200)")  # what was under way ends
    page.execute_script("performance.clearResourceTimings()")
    page.execute_async_script("setTimeout(arguments[0], 2500)")
    assert page.execute_script("return performance.getEntriesByType('resource').length") == 0


def test_no_word_of_the_page_is_english_in_chinese(browser: Chrome) -> None:
    """Every text and label of a full page with problems, and of an empty one; and it is as readable on every screen."""
    feed = Feed()
    for _ in range(60):
        feed.step()
    feed.sync |= {"connected": False, "last_ack_age_s": 7200}
    feed.status.alarm("writer", FULL, serving=False)
    with served(feed) as site:
        browser.get(f"{site.link}&lang=zh-CN")
        wait(browser, "rates, from two answers", lambda: text(browser, "#tile-events") != "–")
        assert text(browser, "#state") == "有问题。"
        assert "没连上中心" in text(browser, "#problems")
        assert browser.execute_script(ENGLISH) == []
        for width, height, theme in ((390, 844, "dark"), (1440, 900, "light")):
            screen(browser, width, height, theme)
            assert unreadable(browser) == []
    with served(Feed(0, 0, 0)) as site:
        browser.get(f"{site.link}&lang=zh-CN")
        wait(browser, "the first answer", lambda: text(browser, "#node") == "shop-7")
        assert text(browser, "#sentence") == "事件在本机决定，中心已收到应有的数据。"
        assert browser.execute_script(ENGLISH) == []
    assert drain(browser) == []


def test_every_word_that_the_scripts_ask_for_is_in_the_table() -> None:
    """And the page has no word of its own: what it shows is a key, a name, or a number."""
    scripts = "".join(path.read_text(encoding="utf-8") for path in STATIC.glob("*.js"))
    asked = set(re.findall(r'"([a-z]+\.[a-z_0-9]+)"', scripts))
    assert asked >= {"page.late_none", "unit.ms"}
    assert asked <= set(table("en").table)
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    markup = re.sub(r"(?s)<script.*?</script>|<!.*?>|<code>.*?</code>", "", page)
    shown = re.findall(r">([^<]+)<|(?:aria-label|title)=\"([^\"]+)\"", markup)
    own = [each for pair in shown for each in pair if re.search("[A-Za-z]{2,}", re.sub(NO_WORDS, "", each))]
    assert own == []


@pytest.mark.parametrize(("width", "height"), [(390, 844), (820, 1180), (1440, 900), (2560, 1440)])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_screen_and_theme_is_readable(page: Chrome, width: int, height: int, theme: str) -> None:
    """Nothing is wider than the screen or cut off, text has WCAG AA contrast, and everything has a name."""
    screen(page, width, height, theme)
    wait(page, "a drawn map", lambda: pixels(page, "#map") > 1000)
    assert unreadable(page) == []


def test_polls_do_not_move_the_page(page: Chrome, feed: Feed) -> None:
    """Over several answers with changing numbers no layout shift is measured."""
    wait(page, "rates, from two answers", lambda: text(page, "#tile-events") != "–")
    page.execute_script(
        "window.shifts = 0; new PerformanceObserver((list) => { for (const entry of list.getEntries())"
        " window.shifts += entry.value; }).observe({type: 'layout-shift'})"
    )
    for _ in range(4):
        for _ in range(25):
            feed.step()
        page.execute_async_script("setTimeout(arguments[0], 1000)")
    assert page.execute_script("return window.shifts") < 0.01


def test_a_full_map_is_drawn_in_time() -> None:
    """The bytes of a full view are what one poll a second can bear: below a megabyte."""
    feed = Feed(shops=200, riders=4000, orders=2000)
    with served(feed) as site:
        import http.client

        connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=30)
        connection.request("GET", "/api/live", headers={"authorization": f"Bearer {TOKEN}"})
        body = connection.getresponse().read()
        connection.close()
    view = json.loads(body)
    assert len(view["shops"]) + len(view["riders"]) + len(view["orders"]) == 5000
    assert len(body) < 1_000_000
    assert threading.active_count() < 10


NO_WORDS = r"{{.*?}}|Doorstep|p50|p99"

FULL = (
    "The journal holds 5.0 GB, as much as it may: no event is accepted until rows are past their retention. "
    "Raise journal_max_gb, or shorten retention_days, and send the node SIGHUP."
)

ENGLISH = r"""
const names =
  /\b(shop-7|Doorstep|UTC|[A-Z]B|kB|km|SIGHUP|p50|p99|journal_max_gb|retention_days|uplink|[ors]\d+)\b|[\d.]+/g;
const found = [];
const look = (text) => { if (/[A-Za-z]{2,}/.test((text ?? "").replace(names, ""))) found.push(text); };
const walk = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
while (walk.nextNode()) {
  const at = walk.currentNode;
  if (!at.parentElement.closest("script, style, code, noscript, [lang=en]")) look(at.textContent);
}
for (const element of document.querySelectorAll("[aria-label], [title]")) {
  look(element.ariaLabel);
  look(element.title);
}
return found;
"""
