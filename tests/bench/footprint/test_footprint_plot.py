"""Memory and disk, drawn."""

import xml.etree.ElementTree as ET

from bench.footprint.footprint_plot import footprint_plot
from tests.bench.pages.reports import REPORTS


def test_what_is_not_listed_is_drawn_as_the_others() -> None:
    """Three states of memory; the largest distributions, and the rest of the total in one bar."""
    root = ET.fromstring(footprint_plot(REPORTS["footprint"]))
    titles = [each.text or "" for each in root.iter() if each.tag.endswith("title")]
    assert titles[-1] == "the others: 48 MB"
    assert len(titles) == 3 + 2 + 1
