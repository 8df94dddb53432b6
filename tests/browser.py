"""A real browser, with its console."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-background-networking "
    "--disable-component-update --disable-sync --no-first-run --window-size=1440,900"
).split()


@contextmanager
def running_browser(program: Callable[[str], str]) -> Iterator[webdriver.Chrome]:
    """Debian's Chromium, which records its console; gone afterwards. `program` is the fixture."""
    options = webdriver.ChromeOptions()
    options.binary_location = program("chromium")
    for flag in FLAGS:
        options.add_argument(flag)
    # Without a network the browser would still ask a service of others where it is.
    options.add_experimental_option("prefs", {"profile.default_content_setting_values.geolocation": 2})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(program("chromedriver")))
    driver.set_page_load_timeout(60)
    try:
        yield driver
    finally:
        driver.quit()


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
