"""The spatial index: who is nearest to a place, among those who can be offered something.

Riders are points of the unit sphere, as rows of one table, so that one product with the place gives the cosine of every
distance, at the poles and across the 180th meridian too. To look at all of them costs less than to keep and search
cells: few calls, whatever the number of riders.
"""

from math import cos, radians, sin, sqrt
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from .travel import EARTH_RADIUS_M, metres

ROWS_MIN: Final = 64
"""Rows of the table at the start; it doubles when it is full."""


class Spot(Struct, eq=False):
    """Where a rider was at `at_ms`, monotonic."""

    id: str
    lat: float = 0.0
    lon: float = 0.0
    at_ms: int = 0


Found = tuple[int, str, Spot]
"""Metres, name and spot: sorted, the nearest is first, ties by name."""


class SpatialIndex:
    """Riders by row of the table."""

    def __init__(self) -> None:
        self._table = np.empty((ROWS_MIN, 3))
        self._spots: list[Spot] = []
        self._row_of: dict[str, int] = {}

    def put(self, spot: Spot) -> None:
        """The rider is here now, and nowhere else."""
        row = self._row_of.get(spot.id)
        if row is None:
            row = self._row_of[spot.id] = len(self._spots)
            self._spots.append(spot)
            if row == len(self._table):
                self._table = np.concatenate([self._table, np.empty_like(self._table)])
        self._table[row] = _point(spot.lat, spot.lon)

    def drop(self, rider: str) -> None:
        """The rider is not looked for any more. The last row takes its place."""
        row = self._row_of.pop(rider, None)
        if row is None:
            return
        last = self._spots.pop()
        if last.id != rider:
            self._spots[row] = last
            self._row_of[last.id] = row
            self._table[row] = self._table[len(self._spots)]

    def nearest(self, lat: float, lon: float, limit: int, radius_m: float, oldest_ms: int) -> list[Found]:
        """The nearest `limit` riders within the radius whose place is not from before `oldest_ms`, nearest first. Those
        whose place is older are dropped where they are met."""
        point = np.array(_point(lat, lon))
        while True:
            spots = self._spots
            found = [spots[row] for row in _nearest(self._table[: len(spots)] @ point, limit, radius_m)]
            old = [spot.id for spot in found if spot.at_ms < oldest_ms]
            if not old:
                break
            for rider in old:
                self.drop(rider)
        exact = [(metres(lat, lon, spot.lat, spot.lon), spot.id, spot) for spot in found]
        exact.sort()
        return [one for one in exact[:limit] if one[0] <= radius_m]


def _nearest(cosines: NDArray[np.float64], limit: int, radius_m: float) -> list[int]:
    """Rows of the nearest `limit` within the radius, of those as near as the last of them, and perhaps a few more."""
    far = cos(radius_m / EARTH_RADIUS_M)
    if len(cosines) > limit:
        ranked = cosines.copy()
        ranked.partition(-limit)
        far = max(far, ranked.item(-limit))
    # A cosine is exact to a decimetre of distance, `metres` to some parts in 100,000, and it rounds to whole metres.
    far_m = sqrt(2 - 2 * far) * EARTH_RADIUS_M * 1.0001 + 2
    return (cosines >= cos(far_m / EARTH_RADIUS_M)).nonzero()[0].tolist()


def _point(lat: float, lon: float) -> tuple[float, float, float]:
    phi, lam = radians(lat), radians(lon)
    across = cos(phi)
    return across * cos(lam), across * sin(lam), sin(phi)
