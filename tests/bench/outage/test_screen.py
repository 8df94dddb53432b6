"""What a person reads."""

from bench.outage.screen import outage_lines, outage_tables
from tests.bench.pages.reports import REPORTS


def test_losses_and_what_was_not_measured_are_reported() -> None:
    """A ratio that could not be measured is no number, and every finding of the proof is a sentence."""
    lines = "\n".join(outage_lines(REPORTS["outage"]))
    assert "lost 1, doubled 0" in lines
    assert "cut over before: × 0.99 (90 %: 0.90 to 1.10)" in lines
    assert "drain over before: not measured" in lines
    assert lines.endswith("the centre counts 9.")
    rounds, local = outage_tables(REPORTS["outage"])
    assert rounds.rows[1] == ("2, 2 kills", "40", "900", "9", "1.0", "2.0", "20", "450")
    assert local.rows[0] == ("before", "900", "1.50", "9.00", "")
