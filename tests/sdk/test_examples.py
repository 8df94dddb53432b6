"""sdk/examples: the three web pages play an evening in a browser with a real node, at the size of phones."""

import json
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException

from bench.lab.site import Site
from edge.identity.credentials import Newcomer, add
from tests.browser import drain, running_browser, screen
from tests.pages import blocks, rows
from tests.repo.project import ROOT, expect_none, files
from tests.sdk.built import need
from tests.waiting import wait_until

EXAMPLES = ROOT / "sdk/examples"
WHOLE = ROOT / "sdk/miniprogram/dist/doorstep.whole.js"
LINES_MAX = 150
CLIENTS = {"customer": "phone-7", "rider": "rider-12", "kitchen": "noodle-bar"}
README = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("sdk/README.md", "sdk/README.zh-CN.md")}
ROLES = {"phone-7": "customer", "rider-12": "rider", "noodle-bar": "shop"}


@pytest.fixture
def pages(tmp_path: Path, program: Callable[[str], str]) -> Iterator[dict[str, str]]:
    """The address of each page, with a node and the client's token in it."""
    need(WHOLE)
    program("chromium")
    folder = tmp_path / "web"
    folder.mkdir()
    for path in [*(EXAMPLES / "web").iterdir(), WHOLE]:
        (folder / path.name).write_bytes(path.read_bytes())
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with Site(tmp_path / "site", "shop-1").configure((), {"listen_ws": "127.0.0.1:0"}, centre=False) as site:
        newcomers = [Newcomer(name, [role]) for name, role in ROLES.items()]
        tokens = add(tmp_path / "site/credentials", newcomers)
        site.start()
        url = f"ws://127.0.0.1:{site.ports()['listen_ws']}/mqtt"
        yield {
            page: f"http://127.0.0.1:{server.server_port}/{page}.html#"
            + urlencode({"url": url, "node": "shop-1", "name": name, "token": tokens[name]})
            for page, name in CLIENTS.items()
        }
    server.shutdown()
    server.server_close()


@pytest.fixture
def driver(program: Callable[[str], str]) -> Iterator[webdriver.Chrome]:
    """A browser of its own."""
    with running_browser(program) as made:
        yield made


def test_customer_rider_and_kitchen_play_an_evening(
    pages: dict[str, str], driver: webdriver.Chrome, tmp_path: Path
) -> None:
    """Each in its window: what one presses the others see, from the order to the door; nothing is in the console."""
    windows: dict[str, str] = {}
    for page, address in pages.items():
        if windows:
            driver.switch_to.new_window("window")
        screen(driver, 390, 844)
        driver.get(address)
        windows[page] = driver.current_window_handle

    def sees(page: str, text: str) -> None:
        driver.switch_to.window(windows[page])
        wait_until(lambda: text in driver.find_element("tag name", "body").text, f"{text} at the {page}", seconds=30)

    def press(page: str, text: str) -> None:
        driver.switch_to.window(windows[page])

        def pressed() -> bool:
            try:
                driver.find_element("xpath", f"//button[text()='{text}' and not(@disabled)]").click()
            except (NoSuchElementException, StaleElementReferenceException):
                return False
            return True

        wait_until(pressed, f"the button {text} of the {page}", seconds=30)

    for page in pages:
        sees(page, "online")
    press("rider", "Begin the shift")
    sees("rider", "On shift")
    press("customer", "Order")
    sees("rider", "A new order")
    driver.save_screenshot(str(tmp_path / "rider.png"))
    sees("customer", "A rider is asked")
    press("rider", "Accept")
    sees("customer", "A rider is on the way to the shop")
    sees("kitchen", "accepted")
    driver.save_screenshot(str(tmp_path / "kitchen.png"))
    press("kitchen", "Five minutes more")
    press("kitchen", "Ready now")
    press("rider", "I am at the shop")
    sees("kitchen", "The rider waits")
    press("rider", "Picked up")
    sees("customer", "Your food is on its way")
    driver.save_screenshot(str(tmp_path / "customer.png"))
    driver.refresh()  # as after an app was closed
    sees("customer", "Your food is on its way")
    press("rider", "I am at the door")
    sees("customer", "The rider is at your door")
    press("rider", "Cannot deliver: Nobody is there")
    sees("rider", "Back to the shop")
    driver.save_screenshot(str(tmp_path / "back.png"))
    sees("customer", "it goes back to the shop")
    press("kitchen", "Send out again")
    press("rider", "I am at the door")
    press("rider", "Delivered")
    sees("customer", "Delivered. Enjoy!")
    for page, handle in windows.items():
        driver.switch_to.window(handle)
        assert driver.execute_script("return document.documentElement.scrollWidth") <= 390, page
    noise = [each for each in drain(driver) if "favicon" not in each["message"]]
    assert not noise, noise


def test_the_first_order_of_the_readme_runs_as_written(
    pages: dict[str, str], driver: webdriver.Chrome, tmp_path: Path
) -> None:
    """The page of sdk/README.md, with the address and the token of this node."""
    (page,) = blocks(README["sdk/README.md"], "html")
    given = dict(parse_qsl(urlsplit(pages["customer"]).fragment))
    page = page.replace("ws://127.0.0.1:9001/mqtt", given["url"]).replace("TOKEN", given["token"])
    (tmp_path / "web/order.html").write_text(page.replace("doorstep.js", WHOLE.name), encoding="utf-8")
    driver.get(pages["customer"].partition("customer.html")[0] + "order.html")
    wait_until(lambda: "o-" in driver.find_element("tag name", "body").text, "the order's name", seconds=30)
    assert not [each for each in drain(driver) if "favicon" not in each["message"]]


def test_the_chinese_readme_has_the_same() -> None:
    """The examples, and as many sections and rows of tables."""
    english, chinese = README.values()
    for language in ("sh", "html", "js"):
        assert blocks(english, language) == blocks(chinese, language)
        assert blocks(english, language)
    assert len(rows(english)) == len(rows(chinese))
    assert english.count("\n## ") == chinese.count("\n## ")


def test_each_file_is_short() -> None:
    """What is copied is read first."""
    names = [name for name in files() if name.startswith("sdk/examples/")]
    assert len(names) > 15
    expect_none(name for name in names if len((ROOT / name).read_text().splitlines()) >= LINES_MAX)


def test_the_mini_program_has_each_page_whole() -> None:
    """Each page of app.json has its script, its view and its settings."""
    app = json.loads((EXAMPLES / "wechat/app.json").read_text(encoding="utf-8"))
    assert [page.split("/")[1] for page in app["pages"]] == list(CLIENTS)
    for page in app["pages"]:
        for ending in (".js", ".wxml", ".json"):
            assert (EXAMPLES / "wechat" / (page + ending)).is_file(), page + ending
