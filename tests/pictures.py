"""Pictures of the console for docs/images, of a real run: five nodes, one of them cut off, roll-outs, a ledger.

    python -m tests.pictures --to docs/images

Takes three minutes, Chromium and its driver.
"""

import argparse
import base64
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from bench.lab.programs import find_program
from bench.lab.site import fetch
from tests.browser import running_browser, screen

WIDTH, HEIGHT = 1400, 900
MINUTES = "2"
WAIT_S = 240.0
AT_THE_END = {
    "console-orders": "/orders?range=1h",
    "console-rollouts": "/rollouts",
    "console-ledger": "/ledger",
}
HEALTH = "/health?scenario=dispatch&days=1&node=shop-1"


def main() -> None:
    """Run the demonstration, and look at it at the right moments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=Path("docs/images"))
    target: Path = parser.parse_args().to
    with tempfile.TemporaryDirectory() as folder, running_browser(find_program) as browser:
        words = ["demo", "--nodes", "5", "--headless", "--minutes", MINUTES, "--data-dir", f"{folder}/run"]
        demo = subprocess.Popen([sys.executable, "-m", "edge", *words], stdout=subprocess.PIPE, text=True)
        try:
            _look(browser, demo, target)
            print(demo.communicate()[0])
        finally:
            demo.terminate()
            demo.wait()


def _look(browser: Chrome, demo: "subprocess.Popen[str]", target: Path) -> None:
    assert demo.stdout is not None
    line = next(line for line in demo.stdout if line.startswith("The console: "))
    url, name, password = line.split()[2], line.split()[4].rstrip(","), line.split()[-1]
    port = int(url.rpartition(":")[2])
    screen(browser, WIDTH, HEIGHT)
    browser.get(f"{url}/login")
    browser.find_element(By.NAME, "name").send_keys(name)
    browser.find_element(By.NAME, "password").send_keys(password, Keys.ENTER)
    _until("the first page", lambda: browser.current_url == f"{url}/")
    _until("a node that is behind while all others are well", lambda: _is_red(fetch(port, "/api/nodes")["health"]))
    _picture(browser, f"{url}/", target / "console-fleet.png")
    _until("the ledger", lambda: fetch(port, "/api/ledger")["days"])
    for file, path in AT_THE_END.items():
        _picture(browser, url + path, target / f"{file}.png")
    _until("the shops of the day", lambda: _has_shops(browser, url + HEALTH))
    _picture(browser, url + HEALTH, target / "console-health.png", 2 * HEIGHT)


def _is_red(health: list[dict[str, Any]]) -> bool:
    """The first one is cut off, and no other is red."""
    return [each["state"] for each in health].count("current") == len(health) - 1 and health[0]["state"] == "behind"


def _has_shops(browser: Chrome, url: str) -> bool:
    """Nodes name them once their day is over, which is when the run ends."""
    browser.get(url)
    return bool(browser.find_elements(By.ID, "shops"))


def _picture(browser: Chrome, url: str, path: Path, height_max: int = HEIGHT) -> None:
    """As much of the page as it has, at most so much."""
    browser.get(url)
    time.sleep(1)  # charts are drawn when the page is there
    height = int(browser.execute_script("return document.querySelector('main').getBoundingClientRect().bottom")) + 16
    clip = {"x": 0, "y": 0, "width": WIDTH, "height": min(height, height_max), "scale": 1}
    found = browser.execute_cdp_cmd(
        "Page.captureScreenshot", {"format": "png", "clip": clip, "captureBeyondViewport": True}
    )
    path.write_bytes(base64.b64decode(found["data"]))
    print(path)


def _until(what: str, done: Callable[[], object]) -> None:
    end = time.monotonic() + WAIT_S
    while not done():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.1)


if __name__ == "__main__":
    main()
