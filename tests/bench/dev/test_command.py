"""`doorstep dev` in a browser: from nothing to an order at a rider's door, and the session played to another node."""

import contextlib
import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException

from bench.dev.command import EXAMPLES, LIBRARY, dev
from edge.errors import BusyError, InputError
from tests.browser import running_browser
from tests.sdk.built import need
from tests.sdk.conversation import conversation
from tests.waiting import wait_until


@contextlib.contextmanager
def running(folder: Path, *arguments: str) -> Iterator[str]:
    """The command; the address of its page. It ends as with Ctrl-C."""
    need(LIBRARY)
    out = folder / "out"
    with out.open("w") as file:
        command = [sys.executable, "-m", "edge", "dev", "--port", "0", *arguments]
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
    try:
        wait_until(lambda: "node dev" in out.read_text() or process.poll() is not None, seconds=60)
        found = re.search(r"http://\S+", out.read_text())
        assert found is not None, out.read_text()
        yield found[0]
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0, out.read_text()
        assert "Traceback" not in out.read_text()
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def driver(program: Callable[[str], str]) -> Iterator[webdriver.Chrome]:
    """A browser of its own."""
    with running_browser(program) as made:
        yield made


def press(driver: webdriver.Chrome, pane: int, text: str) -> None:
    """A button in one of the three panes, once it is there."""

    def pressed() -> bool:
        driver.switch_to.default_content()
        try:
            driver.switch_to.frame(pane)
            driver.find_element("xpath", f"//button[text()='{text}' and not(@disabled)]").click()
        except (NoSuchElementException, StaleElementReferenceException):
            return False
        finally:
            driver.switch_to.default_content()
        return True

    wait_until(pressed, f"the button {text}", seconds=60)


def logged(driver: webdriver.Chrome, *words: str) -> None:
    """A line of the log that has all of these."""

    def there() -> bool:
        lines = driver.execute_script("return [...document.querySelectorAll('#log summary')].map(e => e.textContent)")
        return any(all(word in line for word in words) for line in lines)

    wait_until(there, f"a message with {words}", seconds=60)


def test_an_order_finds_a_rider_by_itself(tmp_path: Path, driver: webdriver.Chrome) -> None:
    """One press: a robot is offered the order and accepts it, and every message of the panes is in the log; a page that
    was changed is another one after a reload."""
    pages = tmp_path / "app"
    shutil.copytree(EXAMPLES, pages)
    with running(tmp_path, "--pages", str(pages)) as address:
        driver.get(address)
        press(driver, 0, "Order")
        logged(driver, "phone-7", "order.place")
        logged(driver, "phone-7", "receipt", "accepted")
        logged(driver, "noodle-bar", "update", '"accepted"')
        driver.find_element("id", "only").send_keys("receipt")
        shown = "return [...document.querySelectorAll('#log li:not([hidden])')].map(e => e.message.kind)"
        assert set(driver.execute_script(shown)) == {"receipt"}
        page = pages / "customer.html"
        page.write_text(page.read_text().replace("Noodles, to your door", "Dumplings"))
        driver.refresh()
        driver.switch_to.frame(0)
        wait_until(lambda: "Dumplings" in driver.find_element("tag name", "body").text, seconds=30)


def test_a_session_becomes_vectors(tmp_path: Path, driver: webdriver.Chrome) -> None:
    """What customer and rider do by hand is recorded, and another node answers it in the same way."""
    record = tmp_path / "session.json"
    with running(tmp_path, "--riders", "0", "--record", str(record)) as address:
        driver.get(address)
        press(driver, 1, "Begin the shift")
        logged(driver, "rider-12", "receipt", "rider.shift")
        press(driver, 0, "Order")
        press(driver, 1, "Accept")
        press(driver, 1, "I am at the shop")
        logged(driver, "phone-7", "update", '"at_shop"')
        wait_until(lambda: '"at_shop"' in record.read_text(), seconds=30)
    story = json.loads(record.read_text())
    sent = [step["kind"] for step in story["steps"] if step["kind"] not in ("orders.list", "rider.position")]
    assert sent == ["rider.shift", "order.place", "rider.reply", "rider.progress"]
    (tmp_path / "other").mkdir()
    with conversation(tmp_path / "other", story["clients"], story["clock"], story["options"]) as clients:
        for step in story["steps"]:
            body = json.dumps(step["payload"]).encode()
            assert clients[step["client"]].phone.publish(step["kind"], body, qos=step.get("qos", 1)) == 0
            if "receipt" in step:
                clients[step["client"]].take("receipt", step["receipt"])
            for answer in step.get("then", ()):
                clients[answer["client"]].take(answer["kind"], answer["has"])


def test_what_is_missing_or_taken_is_a_sentence(tmp_path: Path) -> None:
    """A client that is not built, a port that is in use."""
    with pytest.raises(InputError, match="make miniprogram"):
        CliRunner().invoke(dev, ["--library", str(tmp_path / "none.js")], catch_exceptions=False)
    (tmp_path / "client.js").touch()
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with pytest.raises(BusyError, match="--port"):
            CliRunner().invoke(dev, ["--library", str(tmp_path / "client.js"), "--port", port], catch_exceptions=False)
