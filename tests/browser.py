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


def unreadable(driver: webdriver.Chrome) -> list[str]:
    """What is wider than the screen or cut off, has less contrast than WCAG AA asks for, or has no name."""
    return driver.execute_script(_UNREADABLE)


_UNREADABLE = r"""
const found = [];
const root = document.documentElement;
if (root.scrollWidth > root.clientWidth) found.push(`wider than the screen: ${root.scrollWidth}`);
const rgb = (text) => (text.match(/[\d.]+/g) || [0, 0, 0, 0]).map(Number);
const light = ([r, g, b]) => {
  const [x, y, z] = [r, g, b].map((c) => { c /= 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; });
  return 0.2126 * x + 0.7152 * y + 0.0722 * z;
};
const ground = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const color = rgb(getComputedStyle(at).backgroundColor);
    if (color.length < 4 || color[3] > 0) return color;
  }
  return [255, 255, 255];
};
for (const element of document.querySelectorAll("h1, h2, p, dt, dd, th, td, li, button, span, strong, b, caption")) {
  if (!element.innerText?.trim() || element.children.length || !element.offsetParent) continue;
  const [a, b] = [light(rgb(getComputedStyle(element).color)), light(ground(element))];
  const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (contrast < 4.5) found.push(`${element.innerText}: contrast ${contrast.toFixed(2)}`);
  if (element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).display !== "inline") {
    found.push(`${element.innerText}: cut off`);
  }
  const box = element.getBoundingClientRect();
  if (box.right > root.clientWidth + 1) found.push(`${element.innerText}: out of the screen`);
}
const named = "canvas:not(#legend canvas, [role=img] canvas), button, table, section";
for (const element of document.querySelectorAll(named)) {
  if (!(element.getAttribute("aria-label") || element.getAttribute("aria-labelledby") || element.innerText?.trim())) {
    found.push(`${element.tagName} ${element.id} has no name`);
  }
}
if (!["en", "zh-CN"].includes(root.lang) || !document.title) found.push("no language or title");
return found;
"""
