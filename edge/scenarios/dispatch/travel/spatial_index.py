"""The spatial index: who is nearest to a place, among those who can be offered something.

Riders are points of the unit sphere, as rows of one table, so that one product with the place gives the cosine of every
distance, at the poles and across the 180th meridian too. To look at all of them costs less than to keep and search
cells: few calls, whatever the number of riders.
"""

from collections.abc import Callable
from math import cos, radians, sin, sqrt
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from .ride_times import EARTH_RADIUS_M

WIDER: Final = 4
"""Times as many riders are looked at next where too few of the nearest ones fit."""

ROWS_MIN: Final = 64
"""Rows of the table at the start; it doubles when it is full."""


class Spot(Struct, eq=False):
    """Where a rider was at `at_ms`, monotonic."""

    id: str
    lat: float = 0.0
    lon: float = 0.0
    at_ms: int = 0


Fits = Callable[[str], bool] | None
"""Which riders are looked for, by name; None: all."""

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

    def place(self, rider: str) -> Spot | None:
        """Where the rider is; None where it is not looked for."""
        row = self._row_of.get(rider)
        return None if row is None else self._spots[row]

    def nearest(
        self, lat: float, lon: float, limit: int, radius_m: float, oldest_ms: int, fits: Fits = None
    ) -> list[Found]:
        """The nearest `limit` riders within the radius whose place is not from before `oldest_ms`, nearest first. Those
        whose place is older are dropped where they are met."""
        point = np.array(_point(lat, lon))
        looked_at = limit
        while True:
            spots = self._spots
            cosines: NDArray[np.float64] = self._table[: len(spots)].dot(point)
            rows = (cosines >= _reach(cosines, looked_at, radius_m)).nonzero()[0]
            # A chord of the unit sphere, which is as long as its arc; a cosine is exact to a decimetre of distance.
            found = [
                (round(sqrt(abs(2.0 - 2.0 * cosine)) * EARTH_RADIUS_M), (spot := spots[row]).id, spot)
                for row, cosine in zip(rows.tolist(), cosines[rows].tolist(), strict=True)
            ]
            old = [one[1] for one in found if one[2].at_ms < oldest_ms]
            for rider in old:
                self.drop(rider)
            if old:
                continue
            if fits is None:
                break
            found = [one for one in found if fits(one[1])]
            if len(found) >= limit or looked_at >= len(spots):
                break
            looked_at *= WIDER  # to ask about everybody would cost more than these few looks
        found.sort()
        return found[:limit]


def _reach(cosines: NDArray[np.float64], limit: int, radius_m: float) -> float:
    """The cosine of the distance within which the nearest `limit` are, and those as near in whole metres as the last of
    them; at most the radius."""
    far = cos(radius_m / EARTH_RADIUS_M)
    if len(cosines) <= limit:
        return far
    ranked = cosines.copy()
    ranked.partition(-limit)
    last_m = sqrt(abs(2.0 - 2.0 * ranked.item(-limit))) * EARTH_RADIUS_M
    return max(far, cos((last_m + 1) / EARTH_RADIUS_M))


def _point(lat: float, lon: float) -> tuple[float, float, float]:
    phi, lam = radians(lat), radians(lon)
    across = cos(phi)
    return across * cos(lam), across * sin(lam), sin(phi)
