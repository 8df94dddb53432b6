"""Points of the contest."""

import xml.etree.ElementTree as ET

from bench.peers.peers_plot import peers_plot
from tests.bench.pages.reports import REPORTS


def test_each_tried_rate_is_a_point_with_its_reason() -> None:
    """Of every peer; one that was not held is hollow and reports why."""
    root = ET.fromstring(peers_plot(REPORTS["peers"]))
    circles = [each for each in root.iter() if each.tag.endswith("circle")]
    assert len(circles) == 3
    assert [each.get("fill") for each in circles].count("none") == 2
    assert sum("p99 of 90.0 ms" in (each.text or "") for each in root.iter()) == 2
