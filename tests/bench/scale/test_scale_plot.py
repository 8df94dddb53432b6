"""Growth, drawn."""

import xml.etree.ElementTree as ET

from bench.scale.scale_plot import scale_plot
from tests.bench.pages.reports import REPORTS


def test_each_size_is_a_point_in_both_panels_and_each_exponent_is_reported() -> None:
    """Time and memory; where there is no exponent the drawing shows it."""
    root = ET.fromstring(scale_plot(REPORTS["scale"]))
    assert sum(each.tag.endswith("circle") for each in root.iter()) == 2 * 7
    words = [each.text for each in root.iter() if each.tag.endswith("text")]
    assert words.count("n^0.25") == 6
    assert words.count("no exponent") == 2
