"""The waterfall, drawn."""

import xml.etree.ElementTree as ET

import pytest

from bench.phone.phone_plot import phone_plot
from tests.bench.pages.reports import REPORTS


def test_bars_are_as_long_as_their_stages_and_the_budget_is_marked() -> None:
    """Each stage that takes time has its part of both bars, in proportion; the 8 seconds are a line."""
    root = ET.fromstring(phone_plot(REPORTS["phone"]))
    bars = {}
    for each in root.iter():
        title = next((child.text or "" for child in each if child.tag.endswith("title")), "")
        if "mean" in title:
            bars[title.split(": ")[1].rpartition(" ms")[0]] = float(each.get("width") or 0)
    assert set(bars) == {"way up 160.0", "rider 2.0", "node 1.0", "way down 170.0"}
    assert bars["way up 160.0"] / bars["way down 170.0"] == pytest.approx(160 / 170, rel=0.02)
    assert "8 s" in [each.text for each in root.iter()]
