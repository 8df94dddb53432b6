"""The drawing of an outage."""

import xml.etree.ElementTree as ET

from bench.outage.outage_plot import outage_plot


def test_cuts_are_shaded_and_kills_are_marked() -> None:
    """Three curves; each cut is a rectangle and each kill a line in every panel."""
    seen = {
        "s": [0.0, 1.0, 2.0],
        "backlog_bytes": [0, 5_000, 0],
        "windows": [0, 7, 0],
        "p99_s": [0.0, 1.0],
        "p99_ms": [1.5, 40.0],
        "cuts": [[0.5, 1.0], [1.4, 1.8]],
        "kills": [0.7],
    }
    root = ET.fromstring(outage_plot({"minutes_offline": 90.0, "plan": {"speed": 1440.0}, "timeline": seen}))
    found = [node.tag.rpartition("}")[2] for node in root]
    assert (found.count("polyline"), found.count("rect"), found.count("path")) == (3, 1 + 3 * 2, 3)
    assert "1.5 h" in (root.findtext("{*}text") or "")
