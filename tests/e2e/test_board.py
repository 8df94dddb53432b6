"""The dispatcher's board in a real Chromium, with a real node: an evening on which a rider falls ill."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from bench.lab.settings import free_port
from bench.lab.site import Site
from edge.identity.credentials import Newcomer, add
from tests.browser import drain, running_browser, screen, unreadable
from tests.phone import Phone
from tests.waiting import wait_until

ROLES = {"phone-7": "customer", "noodle-bar": "shop", "desk-1": "dispatcher"}
RIDERS = {"rider-1": "rider", "rider-2": "rider", "rider-3": "rider"}
SHOP, DOOR = {"lat": 31.2304, "lon": 121.4737}, {"lat": 31.2251, "lon": 121.48}


class Evening:
    """A shop with riders who take what they are offered, and a dispatcher in a browser."""

    def __init__(self, site: Site, tokens: dict[str, str], browser: Chrome) -> None:
        self.site, self.tokens, self.browser = site, tokens, browser
        self.phones = {name: Phone(name, site.port, tokens[name]) for name in (*ROLES, *RIDERS)}
        self.ids = 0

    def send(self, client: str, kind: str, **fields: Any) -> None:
        """An event, taken by the node."""
        self.ids += 1
        assert self.phones[client].send(kind, id=f"e-{self.ids}", **fields) == 0

    def open(self, language: str = "en") -> None:
        """The board, by the link that a dispatcher gets."""
        page = f"http://127.0.0.1:{self.site.status_port}/board?lang={language}"
        self.browser.get(f"{page}#name=desk-1&token={self.tokens['desk-1']}")

    def text(self, selector: str) -> str:
        """What a reader sees of an element; empty where there is none."""
        found = self.browser.execute_script("return document.querySelector(arguments[0])?.innerText ?? ''", selector)
        return str(found)

    def sees(self, selector: str, *words: str) -> None:
        """Until all of them stand there."""
        wait_until(lambda: all(each in self.text(selector) for each in words), f"{words} in {selector}", seconds=60)

    def press(self, selector: str) -> None:
        """Until it is there and was clicked."""

        def pressed() -> bool:
            try:
                self.browser.find_element(By.CSS_SELECTOR, selector).click()
            except (NoSuchElementException, StaleElementReferenceException):
                return False
            return True

        wait_until(pressed, selector, seconds=60)


def row(order: str) -> str:
    """The row of an order."""
    return f'[data-order="{order}"]'


def button(order: str, do: str) -> str:
    """A button of it."""
    return f'{row(order)} [data-do="{do}"]'


@pytest.fixture(scope="module")
def browser(program: Callable[[str], str]) -> Iterator[Chrome]:
    """One browser for these tests."""
    with running_browser(program) as made:
        yield made


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory, browser: Chrome) -> Iterator[Evening]:
    """A node with a listener for WebSockets, three riders, and five orders of the first one's."""
    folder = tmp_path_factory.mktemp("board")
    site = Site(folder).configure((), {"listen_ws": f"127.0.0.1:{free_port()}", "keep_free_text": True}, centre=False)
    tokens = add(folder / "credentials", [Newcomer(name, [role]) for name, role in (ROLES | RIDERS).items()])
    with site:
        site.start()
        made = Evening(site, tokens, browser)
        made.send("rider-1", "rider.shift", on=True, capacity=5, place=SHOP)
        for number in range(1, 6):
            order = {"order": f"o-{number}"}
            made.send("phone-7", "order.place", **order, shop="noodle-bar", prep_s=0, pickup=SHOP, dropoff=DOOR)
            made.send("desk-1", "order.assign", **order, rider="rider-1")
        for rider in ("rider-2", "rider-3"):
            made.send(rider, "rider.shift", on=True, capacity=4, place=SHOP)
        yield made
        for phone in made.phones.values():
            phone.close()


@pytest.fixture(autouse=True)
def clean(browser: Chrome) -> Iterator[None]:
    """A desk's screen, and nothing of another test in the tab."""
    screen(browser, 1440, 900)
    drain(browser)
    yield
    browser.execute_script("sessionStorage.clear()")
    browser.get("about:blank")


def test_a_dispatcher_saves_an_evening(evening: Evening, tmp_path: Path) -> None:
    """A rider falls ill: it is paused; three of its orders are given to others, by button, by keyboard and by dragging,
    each at a cost that was shown; one is held, and comes back to the node. All is in the journal."""
    page = evening.browser
    evening.open()
    for number in range(1, 5):
        evening.sees(row(f"o-{number}"), "Accepted", "rider-1")
    assert evening.tokens["desk-1"] not in page.current_url

    evening.press('[data-rider="rider-1"] [data-do="pause"]')
    evening.sees("#done", "rider-1 is paused")
    evening.sees('[data-rider="rider-1"]', "paused by desk-1")

    evening.press(button("o-1", "assign"))  # by button: the best ones, with what each costs
    evening.sees("#choices", "rider-2", "rider-3", "Give to")
    assert "rider-1" not in evening.text("#choices")
    assert "sooner" in evening.text("#choices")
    page.save_screenshot(str(tmp_path / "assign.png"))
    evening.press("#choices li:first-child button")
    evening.sees("#done", "o-1 was given to rider-")
    assert evening.text(row("o-1")) != ""
    evening.sees(row("o-1"), "Given to rider-")

    focus = page.find_element(By.CSS_SELECTOR, button("o-2", "assign"))  # by keyboard
    page.execute_script("arguments[0].focus()", focus)
    ActionChains(page).send_keys(Keys.ENTER).perform()
    evening.sees("#choices", "Give to rider-")
    wait_until(lambda: page.switch_to.active_element.tag_name == "button", "the focus on the first choice")
    ActionChains(page).send_keys(Keys.ENTER).perform()
    evening.sees("#done", "o-2 was given to rider-")

    page.execute_script("document.activeElement.blur()")
    source, target = (page.find_element(By.CSS_SELECTOR, each) for each in (row("o-3"), '[data-rider="rider-3"]'))
    ActionChains(page).drag_and_drop(source, target).perform()
    evening.sees("#choices", "rider-3")
    assert "Give to rider-2" not in evening.text("#choices")
    evening.press("#choices button")
    evening.sees("#done", "o-3 was given to rider-3")
    evening.sees(row("o-3"), "Given to rider-3 by desk-1")

    page.find_element(By.ID, "reason").send_keys("the address is wrong")  # it goes with the next decision alone
    evening.press(button("o-4", "hold"))
    evening.sees(row("o-4"), "On hold by desk-1", "nobody")
    assert page.find_element(By.ID, "reason").get_property("value") == ""
    there = "return document.activeElement.closest('li')?.dataset.order"
    wait_until(lambda: page.execute_script(there) == "o-4", "the focus in the row whose button is gone")
    evening.press("#undo")  # given to the ill rider before: the node refuses that, with its reason
    evening.sees("#failed", "o-4 was refused", "rider-1")
    evening.press(button("o-4", "release"))
    evening.sees("#done", "o-4: the node decides again")
    evening.sees(row("o-4"), "Offered")
    assert not [each for each in drain(page) if "favicon" not in each["message"]]
    assert unreadable(page) == []

    explained = evening.site.command("explain", "o-4", "--journal", "edge")
    assert "desk-1" in explained.stdout, explained.stdout + explained.stderr
    assert explained.stdout.count("the address is wrong") == 1
    assert evening.site.command("replay", "--journal", "edge").returncode == 0


@pytest.mark.parametrize(("language", "theme"), [("en", "dark"), ("zh-CN", "light")])
def test_the_board_fits_a_phone(evening: Evening, language: str, theme: str, tmp_path: Path) -> None:
    """390 pixels: nothing is cut off, all has contrast, and orders and riders are two views."""
    page = evening.browser
    screen(page, 390, 844, theme)
    evening.open(language)
    wait_until(lambda: page.find_elements(By.CSS_SELECTOR, row("o-5")), "an order", seconds=60)
    assert unreadable(page) == []
    evening.press(button("o-5", "assign"))
    wait_until(lambda: page.find_elements(By.CSS_SELECTOR, "#choices li"), "a choice", seconds=60)
    assert unreadable(page) == []
    page.save_screenshot(str(tmp_path / "phone.png"))
    evening.press("#assign [data-close]")
    evening.press('[data-view="riders"]')
    wait_until(lambda: "rider-3" in evening.text("#riders"), "riders")
    assert unreadable(page) == []


def test_a_wrong_token_is_refused_and_can_be_entered_again(evening: Evening) -> None:
    """The form shows that, and the right one opens the board; to log out leaves nothing in the tab."""
    page = evening.browser
    page.get(f"http://127.0.0.1:{evening.site.status_port}/board#name=desk-1&token=wrong")
    evening.sees("#login-note", "does not accept")
    page.find_element(By.ID, "name").send_keys("desk-1")
    page.find_element(By.ID, "token").send_keys(evening.tokens["desk-1"], Keys.ENTER)
    evening.sees(row("o-5"), "Accepted")
    evening.press("#leave")
    wait_until(lambda: page.find_element(By.ID, "login").is_displayed(), "the form")
    assert page.execute_script("return JSON.stringify(sessionStorage)").find(evening.tokens["desk-1"]) < 0


def test_what_was_decided_in_a_dead_spot_is_sent_after_it(evening: Evening) -> None:
    """The node is gone when a dispatcher decides, and the page is loaded again before it is back: the decision is sent
    with the id that it had, once, and the page shows what became of it."""
    page = evening.browser
    evening.open()
    evening.sees(row("o-5"), "Accepted")
    evening.site.node.stop()
    evening.sees("#link", "not connected")
    evening.press(button("o-5", "hold"))
    evening.sees("#link", "1 to send")
    stored = page.execute_script("return Object.keys(sessionStorage).filter((key) => key.includes('/e/'))")
    assert len(stored) == 1
    assert page.execute_script("return localStorage.length + document.cookie.length") == 0
    evening.site.start()
    page.refresh()
    evening.sees(row("o-5"), "On hold by desk-1")
    wait_until(lambda: "to send" not in evening.text("#link"), "nothing left to send")
