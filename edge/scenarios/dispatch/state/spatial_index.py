"""The spatial index: who is nearest to a place, among those who can be offered something.

Riders are listed by cell, and cells are searched ring by ring until nobody nearer can be left outside. The size of the
cells follows the density of the riders, so that a search looks at some dozens of them, in a village and in a city.
"""

import math
from collections.abc import Iterable
from functools import cache
from typing import Final

from msgspec import Struct

from .travel import METRES_PER_DEG, metres

FEW: Final = 32
"""Riders up to whom cells save nothing."""

SIZE_MAX: Final = 0.064
SIZE_MIN: Final = 0.001
"""Degrees of a cell: 7.1 km to 110 m, halved and doubled in between."""

ONE_METRE: Final = 1 / METRES_PER_DEG
"""Distances are whole metres: who is farther by less than one may come first by its name."""

CROWDED: Final = 8
SPARSE: Final = 1.25
"""Riders in a cell, on the mean of those that have any, beyond which cells are halved, and below which they are
doubled. Apart, so that one does not cause the other."""


class Spot(Struct, eq=False):
    """Where a rider was at `at_ms`, monotonic."""

    id: str
    lat: float = 0.0
    lon: float = 0.0
    at_ms: int = 0


Found = tuple[int, str, Spot]
"""Metres, name and spot: sorted, the nearest is first, ties by name."""


class SpatialIndex:
    """Riders by cell. Cells wrap around the 180th meridian."""

    def __init__(self) -> None:
        self._size = SIZE_MAX
        self._spots: dict[str, Spot] = {}
        self._cells: dict[tuple[int, int], dict[str, Spot]] = {}
        self._cell_of: dict[str, tuple[int, int]] = {}
        self._south, self._north = 90.0, -90.0
        """Between these latitudes were all riders that were ever put."""

    def put(self, spot: Spot) -> None:
        """The rider is here now, and nowhere else."""
        cell, before = self._cell(spot), self._cell_of.get(spot.id)
        if before == cell:
            return
        self._south, self._north = min(self._south, spot.lat), max(self._north, spot.lat)
        if before is not None:
            self._remove(spot.id, before)
        self._cell_of[spot.id] = cell
        self._cells.setdefault(cell, {})[spot.id] = spot
        if before is None:
            self._spots[spot.id] = spot
            self._fit()

    def drop(self, rider: str) -> None:
        """The rider is not looked for any more."""
        if self._spots.pop(rider, None) is not None:
            self._remove(rider, self._cell_of.pop(rider))

    def nearest(self, lat: float, lon: float, limit: int, radius_m: float, oldest_ms: int) -> list[Found]:
        """The nearest `limit` riders within the radius whose place is not from before `oldest_ms`, nearest first."""
        narrow = math.cos(math.radians(lat))
        radius_deg = radius_m / METRES_PER_DEG
        poleward = min(89.9, abs(lat) + radius_deg)
        # Where only the latitude of the place counts, a distance is off by at most this share.
        nearly = 1 + math.tan(math.radians(poleward)) * math.radians(radius_deg) / 2

        def looked_at(spots: Iterable[Spot]) -> list[tuple[float, Spot]]:
            # Nearly the square of the distance in degrees, without a call for each: most are not among the nearest.
            return [
                ((spot.lat - lat) ** 2 + (((spot.lon - lon + 180.0) % 360.0 - 180.0) * narrow) ** 2, spot)
                for spot in spots
                if spot.at_ms >= oldest_ms
            ]

        def reach_of(near: list[tuple[float, Spot]]) -> float:
            """Degrees beyond which nobody is among the nearest; infinite where there are too few."""
            if len(near) < limit:
                return math.inf
            return sorted([square for square, _ in near])[limit - 1] ** 0.5 * nearly + ONE_METRE

        def nearest_of(near: list[tuple[float, Spot]], reach_deg: float) -> list[Found]:
            bound = (reach_deg * nearly) ** 2
            exact = [(metres(lat, lon, spot.lat, spot.lon), spot.id, spot) for square, spot in near if square <= bound]
            return sorted(one for one in exact if one[0] <= radius_m)[:limit]

        if len(self._spots) <= FEW:
            everybody = looked_at(self._spots.values())
            return nearest_of(everybody, reach_of(everybody))
        if not self._south - radius_deg <= lat <= self._north + radius_deg:
            return []
        size, cells = self._size, self._cells
        columns = round(360 / size)
        row, column = math.floor(lat / size), math.floor(lon / size)
        # The narrowest side of the cells decides how far a ring reaches.
        step_m = size * METRES_PER_DEG * math.cos(math.radians(poleward))
        found: list[tuple[float, Spot]] = []
        ring = 0
        # Beyond as many cells as have riders it is cheaper to go through those.
        while (2 * ring + 1) ** 2 <= len(cells):
            for up, across in _ring(ring):
                if there := cells.get((row + up, (column + across) % columns)):
                    found += looked_at(there.values())
            safe_m = ring * step_m
            reach_deg = reach_of(found)
            if safe_m > radius_m or reach_deg * METRES_PER_DEG <= safe_m:
                return nearest_of(found, reach_deg)
            ring += 1
        found = []
        reach, half = math.ceil(radius_m / step_m), columns // 2
        for (up, across), there in cells.items():
            if abs(up - row) <= reach and abs((across - column + half) % columns - half) <= reach:
                found += looked_at(there.values())
        return nearest_of(found, reach_of(found))

    def _fit(self) -> None:
        """Halve or double the cells where they hold too many or too few."""
        crowded = len(self._spots) > CROWDED * len(self._cells) and self._size > SIZE_MIN
        sparse = len(self._spots) < SPARSE * len(self._cells) and self._size < SIZE_MAX
        if crowded or sparse:
            self._size *= 0.5 if crowded else 2
            self._cells = {}
            for name, spot in self._spots.items():
                cell = self._cell_of[name] = self._cell(spot)
                self._cells.setdefault(cell, {})[name] = spot

    def _cell(self, spot: Spot) -> tuple[int, int]:
        size = self._size
        return math.floor(spot.lat / size), math.floor(spot.lon / size) % round(360 / size)

    def _remove(self, rider: str, cell: tuple[int, int]) -> None:
        riders = self._cells[cell]
        del riders[rider]
        if not riders:
            del self._cells[cell]


@cache
def _ring(ring: int) -> list[tuple[int, int]]:
    """The cells of a ring: rows and columns from the middle."""
    side = range(-ring, ring + 1)
    return [(up, across) for up in side for across in side if max(abs(up), abs(across)) == ring]
