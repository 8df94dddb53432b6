"""What a person reads."""

from bench.soak.screen import soak_lines, soak_tables
from tests.bench.pages.reports import REPORTS


def test_what_grows_is_named() -> None:
    """Each slope with its interval, and a sentence for each that rises."""
    (table,) = soak_tables(REPORTS["soak"])
    assert table.rows[0] == ("node_rss_mb", "60.0", *["+0.40 (-0.20 to +1.00)"] * 2)
    assert table.rows[1][3] == ""
    lines = soak_lines(REPORTS["soak"])
    assert lines[0] == "driven: cut 1, kill_node 1"
    assert lines[-2] == "It grows: node_rss_mb"
    assert lines[-1].startswith("Take 40 minutes or more")
