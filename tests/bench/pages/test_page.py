"""The page of all reports: whole in one file, readable in both themes and on a phone, in a real browser."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from selenium import webdriver
from selenium.webdriver.common.by import By

from bench.command import bench
from bench.pages.command import collect
from bench.pages.figures import VIEWS, kind_of, view_of
from bench.pages.page import page, section
from edge.errors import InputError
from tests.bench.pages.reports import REPORTS
from tests.browser import running_browser, screen


def write(folder: Path, reports: dict[str, Any]) -> Path:
    """A folder of reports."""
    for name, report in reports.items():
        (folder / f"{name}.json").write_text(json.dumps(report), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def browser(program: Callable[[str], str]) -> Iterator[webdriver.Chrome]:
    """One browser that records its console and its requests."""
    with running_browser(program) as driver:
        yield driver


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 1280), ("dark", 380)])
def test_the_page_stands_alone_and_fits(tmp_path: Path, browser: webdriver.Chrome, theme: str, width: int) -> None:
    """Every kind of report is on it with its drawing; nothing is fetched, nothing overflows, the theme is followed."""
    folder = write(tmp_path, REPORTS)
    result = CliRunner().invoke(bench, ["report", str(folder)], catch_exceptions=False)
    assert result.output == f"{folder}/report.html: {len(REPORTS)} reports\n"
    browser.get_log("performance")
    screen(browser, width, 900, theme)
    browser.get((folder / "report.html").as_uri())
    assert len(browser.find_elements(By.CSS_SELECTOR, "section")) == len(REPORTS) + 1  # the targets come first
    drawn = sum(view_of(kind_of(report)).plot is not None for report in REPORTS.values())
    assert len(browser.find_elements(By.CSS_SELECTOR, "figure img")) == drawn
    loaded = "return [...document.images].every(image => image.complete && image.naturalWidth > 500)"
    assert browser.execute_script(loaded)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.get_log("browser") == []
    entries = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [one["params"]["request"]["url"] for one in entries if one["method"] == "Network.requestWillBeSent"]
    assert {url.split(":")[0] for url in asked} <= {"file", "data"}
    colour = "return getComputedStyle(document.querySelector(arguments[0])).{}"
    ink = browser.execute_script(colour.format("color"), "section td")
    paper = browser.execute_script(colour.format("backgroundColor"), "section")
    assert (_brightness(ink) > _brightness(paper)) == (theme == "dark")
    assert abs(_brightness(ink) - _brightness(paper)) > 120


def _brightness(colour: str) -> float:
    parts = [float(part) for part in re.findall(r"[\d.]+", colour)[:3]]
    return sum(parts) / 3


def test_it_shows_where_and_with_what_each_figure_was_measured() -> None:
    """Processor, cores, kernel, disk, load, time, versions and what was asked for; a late generator is noted."""
    text = page([section("latency.json", REPORTS["latency"])], [])
    for words in (
        "A Processor, 2 cores, Linux 6.1, disk ext4, load before 0.5, 0.4, 0.3",
        "mqtt5 0.8.0",
        "clients 200",
    ):
        assert words in text
    assert "The load generator was late: 2.0%" in text
    assert "&lt;script&gt;" in page([section("<script>.json", REPORTS["latency"])], [])
    assert "<script" not in page([section("<script>.json", REPORTS["latency"])], [])


def test_what_is_no_report_is_named_and_left_out(tmp_path: Path) -> None:
    """Broken JSON, other JSON, and reports of another version stand under "Not shown", each with its reason."""
    write(tmp_path, {"peers": REPORTS["peers"], "other": {"a": 1}, "list": [1], "old": {"benchmark": "latency"}})
    (tmp_path / "torn.json").write_text('{"benchmark": "lat')
    text, shown, left_out = collect(sorted(tmp_path.glob("*.json")))
    assert shown == 1
    assert [name for name, _ in left_out] == ["list.json", "old.json", "other.json", "torn.json"]
    assert text.count("<li>") == 4


def test_a_report_of_a_new_name_is_shown_plainly() -> None:
    """Its values are a table, with those of objects inside, and there is no drawing."""
    report = {"benchmark": "tides", "wind": {"p50": 1.5}, "calm": 3, "rounds": [1, 2]}
    (table,) = view_of(kind_of(report)).tables(report)
    assert table.rows == [("benchmark", "tides"), ("wind p50", "1.5"), ("calm", "3")]
    assert "tides" in page([section("tides.json", report)], [])


def test_a_folder_without_reports_is_an_error(tmp_path: Path) -> None:
    """So is one that does not exist; the message names what to do."""
    with pytest.raises(InputError, match="no report"):
        CliRunner().invoke(bench, ["report", str(tmp_path)], catch_exceptions=False)
    with pytest.raises(InputError, match="no such folder"):
        CliRunner().invoke(bench, ["report", str(tmp_path / "nowhere")], catch_exceptions=False)


def test_every_kind_has_its_example() -> None:
    """The examples of these tests are one of each kind that the page knows."""
    assert {kind_of(report) for report in REPORTS.values()} == set(VIEWS)
