"""The drawing of a soak."""

import xml.etree.ElementTree as ET

from bench.soak.soak_plot import soak_plot


def test_every_life_is_a_curve_of_its_own() -> None:
    """A kill breaks the line; cuts are shaded, other faults marked."""
    series = {
        "seconds": [0.0, 5.0, 10.0, 15.0],
        "life": [0, 0, 1, 1],
        "rss_mb": [50.0, 51.0, 40.0, 41.0],
        "fds": [9, 9, 8, 8],
        "disk_mb": [1.0, 1.1, 1.2, 1.3],
    }
    report = {
        "minutes": 0.5,
        "days": 0.1,
        "faults": {"cut": 1, "kill_node": 1},
        "schedule": [[3.0, "cut", 4.0], [8.0, "kill_node", 0.0]],
        "judged_from_s": 7.5,
        "timeline": {"node": series, "centre": series},
    }
    root = ET.fromstring(soak_plot(report))
    found = [node.tag.rpartition("}")[2] for node in root]
    assert (found.count("polyline"), found.count("path"), found.count("rect")) == (2 * 3 * 2, 1, 3)
