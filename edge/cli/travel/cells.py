"""Which cells a table of travel times is about."""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import numpy as np

from ...errors import InputError
from ...scenarios.dispatch.travel.cells import h3, is_cell, resolution_of
from ...scenarios.dispatch.travel.table import CELLS_MAX, SECONDS_MAX, UNKNOWN, Seconds

_ROWS_MAX: Final = CELLS_MAX * CELLS_MAX


def around(places: Iterable[tuple[float, float]], km: float, resolution: int) -> list[int]:
    """The cells whose centres are within so many kilometres of any of these places, sorted."""
    found: set[int] = set()
    steps = int(km / (h3().average_hexagon_edge_length(resolution, "km") * 1.5)) + 1
    for place in places:
        if 3 * steps * (steps + 1) > 4 * CELLS_MAX:
            return list(range(CELLS_MAX + 1))  # more than a table has, in any case
        for cell in h3().grid_disk(h3().latlng_to_cell(*place, resolution), steps):
            if h3().great_circle_distance(place, h3().cell_to_latlng(cell), "km") <= km:
                found.add(int(cell))
    return sorted(found)


def centres(cells: Iterable[int]) -> list[tuple[float, float]]:
    """Latitude and longitude of each."""
    return [h3().cell_to_latlng(cell) for cell in cells]


def read_csv(path: Path) -> tuple[int, list[int], Seconds]:
    """Resolution, cells and seconds of a file with the columns `from`, `to`, `seconds`. Raises InputError."""
    with path.open(newline="", encoding="utf-8") as file:
        rides = list(_rides(path, csv.DictReader(file)))
    cells = sorted({cell for start, end, _ in rides for cell in (start, end)})
    if not 0 < len(cells) <= CELLS_MAX:
        raise InputError(str(path), None, f"It has {len(cells)} cells; a table has 1 to {CELLS_MAX}.")
    if len(resolutions := {resolution_of(cell) for cell in cells}) > 1:
        raise InputError(str(path), None, f"Its cells have the resolutions {sorted(resolutions)}; a table has one.")
    row = {cell: number for number, cell in enumerate(cells)}
    seconds: Seconds = np.full((len(cells), len(cells)), UNKNOWN, np.uint16)
    for start, end, value in rides:
        seconds[row[start], row[end]] = value
    return resolutions.pop(), cells, seconds


def _rides(path: Path, rows: "csv.DictReader[str]") -> Iterator[tuple[int, int, int]]:
    for line, row in enumerate(rows, 2):
        if line > _ROWS_MAX:
            raise InputError(str(path), line, f"A table has at most {_ROWS_MAX} rows.")
        try:
            start, end, value = row["from"], row["to"], float(row["seconds"])
            if not (is_cell(start) and is_cell(end)):
                raise ValueError
        except (KeyError, TypeError, ValueError):
            hint = "It needs the columns from, to (cells of H3, in hexadecimal) and seconds."
            raise InputError(str(path), line, hint) from None
        if not 0 <= value <= SECONDS_MAX:
            raise InputError(str(path), line, f"seconds = {value:g}: write 0 to {SECONDS_MAX}, or leave the row out.")
        yield int(start, 16), int(end, 16), round(value)
