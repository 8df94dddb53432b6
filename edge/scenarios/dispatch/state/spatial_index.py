"""A spatial index for many riders: cells searched in growing rings, small ones first, large ones where few are near."""

import math
from collections.abc import Iterator
from typing import Final

from .travel import METRES_PER_DEG

FINE_DEG: Final = 0.001
"""Cells of about 110 m from south to north: a dozen riders in each where 100,000 are in a city. With cells ten times as
large a look there went through 9,000 of them."""

FINE_RINGS: Final = 7
"""Rings of small cells, up to 660 m around: enough for 2,000 riders in a city of 100 square kilometres."""

COARSE_DEG: Final = 0.01
COARSE_RINGS: Final = 65
"""Cells of about 1.1 km, and rings up to 70 km around: for where riders are few."""


class SpatialIndex:
    """Riders by cell, in small ones and in large ones. Rings wrap around the 180th meridian; near the poles, where
    cells get narrow, the search ends with COARSE_RINGS."""

    def __init__(self) -> None:
        self._fine = _Cells(FINE_DEG)
        self._coarse = _Cells(COARSE_DEG)

    def put(self, rider: str, lat: float, lon: float) -> None:
        """The rider is here now, and nowhere else."""
        self._fine.put(rider, lat, lon)
        self._coarse.put(rider, lat, lon)

    def drop(self, rider: str) -> None:
        """The rider is not looked for any more."""
        self._fine.drop(rider)
        self._coarse.drop(rider)

    def searches(self, lat: float, lon: float, radius_m: float) -> Iterator[Iterator[tuple[list[str], float]]]:
        """Two searches around a point, of which the second is for where the first found too few. Each gives the riders
        of each ring of cells, from the inside out, with the distance in metres below which nobody is left outside so
        far; the second goes on beyond the radius."""
        yield self._fine.rings(lat, lon, radius_m, FINE_RINGS)
        yield self._coarse.rings(lat, lon, radius_m, COARSE_RINGS)


class _Cells:
    """Cells of one size."""

    def __init__(self, size_deg: float) -> None:
        self._size_deg = size_deg
        self._columns = round(360 / size_deg)
        self._cells: dict[tuple[int, int], dict[str, None]] = {}
        self._cell_of: dict[str, tuple[int, int]] = {}

    def put(self, rider: str, lat: float, lon: float) -> None:
        cell = math.floor(lat / self._size_deg), math.floor(lon / self._size_deg) % self._columns
        before = self._cell_of.get(rider)
        if before == cell:
            return
        if before is not None:
            self._remove(rider, before)
        self._cell_of[rider] = cell
        self._cells.setdefault(cell, {})[rider] = None

    def drop(self, rider: str) -> None:
        cell = self._cell_of.pop(rider, None)
        if cell is not None:
            self._remove(rider, cell)

    def rings(self, lat: float, lon: float, radius_m: float, count: int) -> Iterator[tuple[list[str], float]]:
        """At most so many. Ends beyond the radius."""
        size_deg, columns, cells = self._size_deg, self._columns, self._cells
        row, column = math.floor(lat / size_deg), math.floor(lon / size_deg)
        # The narrowest side of the cells decides how far a ring reaches.
        poleward = min(89.9, abs(lat) + radius_m / METRES_PER_DEG)
        step_m = size_deg * METRES_PER_DEG * math.cos(math.radians(poleward))
        for ring in range(count):
            found: list[str] = []
            for up, across in _ring(ring):
                found += cells.get((row + up, (column + across) % columns), ())
            yield found, ring * step_m
            if ring * step_m > radius_m:
                return

    def _remove(self, rider: str, cell: tuple[int, int]) -> None:
        riders = self._cells[cell]
        del riders[rider]
        if not riders:
            del self._cells[cell]


def _ring(ring: int) -> Iterator[tuple[int, int]]:
    """The cells of a ring: rows and columns from the middle."""
    if ring == 0:
        yield 0, 0
        return
    for across in range(-ring, ring + 1):
        yield -ring, across
        yield ring, across
    for up in range(1 - ring, ring):
        yield up, -ring
        yield up, ring
