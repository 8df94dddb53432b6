"""The table of `--riders real`."""

from bench.dispatch.real_riders.measure import Figures, Must, Row
from bench.dispatch.real_riders.table import HEADINGS, table


def test_a_figure_stands_beside_its_must() -> None:
    """What misses it is marked, what has none is not, and a row has a cell for each column."""
    found = Figures(100, 6.5, 76.0, 12.0, 33.0)
    shown = table(
        [
            Row("a", found, Must(6.0, (77.0, 83.0), 18.0)),
            Row("b", found, Must(0.0, (65.0, 100.0))),
            Row("c", found, Must()),
        ]
    )
    assert shown.rows == [
        ("a", "100", "6.5 !", "6", "76.0 !", "77-83", "12.0", "18", "33.0"),
        ("b", "100", "6.5", "", "76.0", ">= 65", "12.0", "", "33.0"),
        ("c", "100", "6.5", "", "76.0", "", "12.0", "", "33.0"),
    ]
    assert all(len(row) == 1 + len(HEADINGS) for row in shown.rows)
