"""Which cells a table is about."""

from pathlib import Path

import h3
import pytest

from edge.cli.travel.cells import around, centres, read_csv
from edge.errors import InputError
from edge.scenarios.dispatch.travel.table import CELLS_MAX

A, B = "891f1d48177ffff", "891f1d48163ffff"


@pytest.mark.parametrize("resolution", [7, 8, 9])
def test_an_area_has_all_cells_within_reach(resolution: int) -> None:
    """Those whose centres are near enough, each once, sorted; several areas are one."""
    place, other = (52.5, 13.4), (52.51, 13.42)
    cells = around([place, other], 2.0, resolution)
    assert cells == sorted(set(cells))
    for cell, centre in zip(cells, centres(cells), strict=True):
        assert h3.latlng_to_cell(*centre, resolution) == f"{cell:x}"
        assert min(h3.great_circle_distance(each, centre, "km") for each in (place, other)) <= 2
    ring = h3.grid_disk(h3.latlng_to_cell(*place, resolution), 20)
    near = {int(each, 16) for each in ring if h3.great_circle_distance(place, h3.cell_to_latlng(each), "km") <= 2}
    assert near <= set(cells)


def test_an_area_that_is_too_large_is_not_listed() -> None:
    """It has more cells than a table, and costs nothing to find out."""
    assert len(around([(52.5, 13.4)], 100, 10)) > CELLS_MAX


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("from,to,seconds\n", None, "0 cells"),
        (f"from,to\n{A},{B}\n", 2, "columns"),
        (f"from,to,seconds\n{A},8,1\n", 2, "columns"),
        (f"from,to,seconds\n{A},{B},x\n", 2, "columns"),
        (f"from,to,seconds\n{A},{B},99999\n", 2, "0 to 65000"),
        (f"from,to,seconds\n{A},{h3.cell_to_parent(B, 8)},9\n", None, "a table has one"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, text: str, line: int | None, words: str) -> None:
    """With its line."""
    path = tmp_path / "rides.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=words) as raised:
        read_csv(path)
    assert raised.value.line == line
