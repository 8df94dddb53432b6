"""Tables on a terminal."""

import pytest

from bench.tables import Table, show, times


def test_a_table_has_its_title_headings_rows_and_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a terminal that is too narrow lines wrap, and no number is cut; an empty line is none."""
    monkeypatch.setenv("COLUMNS", "20")
    show([Table("a title", ("p50 ms", "p99 ms"), [("a long name of a row", "1.25", "1,000.00")])], ["a line", ""], 60)
    output = capsys.readouterr().out
    for words in ("a title", "p50 ms", "a long name of a row", "1,000.00", "a line"):
        assert words in output
    assert not output.endswith("\n\n")


def test_quantiles_that_a_report_has_not_are_empty_cells() -> None:
    """Absent ones and those of too few values."""
    assert times({"p50": 1_234.5, "p99": 2.0, "p999": None}) == ("1,234.50", "2.00", "")
    assert times({"p50": 1.0}, ("p50", "max"), digits=0) == ("1", "")
