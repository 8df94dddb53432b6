"""A spatial index for many riders: cells of a hundredth of a degree, searched in growing rings."""

import math
from collections.abc import Iterator
from typing import Final

from .travel import METRES_PER_DEG

CELL_DEG: Final = 0.01
"""About 1.1 km from south to north: some riders in each cell of a busy district, few cells in a district."""

_RINGS_MAX: Final = 64
_COLUMNS: Final = round(360 / CELL_DEG)


class Grid:
    """Riders by cell. Rings wrap around the 180th meridian; near the poles, where cells get narrow, the search stops
    after 64 rings."""

    def __init__(self) -> None:
        self._cells: dict[tuple[int, int], dict[str, None]] = {}
        self._cell_of: dict[str, tuple[int, int]] = {}

    def put(self, rider: str, lat: float, lon: float) -> None:
        """The rider is here now, and nowhere else."""
        cell = math.floor(lat / CELL_DEG), math.floor(lon / CELL_DEG) % _COLUMNS
        before = self._cell_of.get(rider)
        if before == cell:
            return
        if before is not None:
            self._remove(rider, before)
        self._cell_of[rider] = cell
        self._cells.setdefault(cell, {})[rider] = None

    def drop(self, rider: str) -> None:
        """The rider is not looked for any more."""
        cell = self._cell_of.pop(rider, None)
        if cell is not None:
            self._remove(rider, cell)

    def rings(self, lat: float, lon: float, radius_m: float) -> Iterator[tuple[list[str], float]]:
        """The riders of each ring of cells around a point, from the inside out, with the distance in metres below which
        nobody is left outside. Ends beyond the radius."""
        row, column = math.floor(lat / CELL_DEG), math.floor(lon / CELL_DEG)
        # The narrowest side of the cells decides how far a ring reaches.
        poleward = min(89.9, abs(lat) + radius_m / METRES_PER_DEG)
        step_m = CELL_DEG * METRES_PER_DEG * math.cos(math.radians(poleward))
        for ring in range(_RINGS_MAX):
            found: list[str] = []
            for cell in _ring(row, column, ring):
                found += self._cells.get(cell, ())
            yield found, ring * step_m
            if ring * step_m > radius_m:
                return

    def _remove(self, rider: str, cell: tuple[int, int]) -> None:
        riders = self._cells[cell]
        del riders[rider]
        if not riders:
            del self._cells[cell]


def _ring(row: int, column: int, ring: int) -> Iterator[tuple[int, int]]:
    if ring == 0:
        yield row, column % _COLUMNS
        return
    for across in range(column - ring, column + ring + 1):
        yield row - ring, across % _COLUMNS
        yield row + ring, across % _COLUMNS
    for up in range(row - ring + 1, row + ring):
        yield up, (column - ring) % _COLUMNS
        yield up, (column + ring) % _COLUMNS
