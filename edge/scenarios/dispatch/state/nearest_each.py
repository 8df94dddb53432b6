"""The riders nearest to each of many places at once: what a burst of orders asks of the table of positions.

One matrix for all places instead of a dozen calls of numpy for each: 13 us a place instead of 27, at 400 riders.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ....limits import NEAREST_CELLS_MAX
from .travel import METRES_PER_DEG

MERIDIAN_DEG = 179.0
"""Beyond this longitude a difference of two longitudes may have to go around the other way."""

HALF_METRE: Final = 0.5 + 1e-6
"""Riders are ordered by whole metres, then by name. So where only the nearest few count, all who are as far in whole
metres as the last of them must be in sight: up to half a metre beyond those, and a little for the arithmetic."""

Found = list[tuple[int, str, int]]
"""Metres, name and row of riders."""


def nearest_of_each(
    places: Sequence[tuple[float, float]],
    lats: NDArray[np.float64],
    lons: NDArray[np.float64],
    hidden: NDArray[np.bool_] | None,
    names: Sequence[str],
    limit: int,
    reach: float,
) -> list[Found]:
    """For each place (latitude, longitude) the nearest `limit` riders in no sequence, and those who are as near in
    whole metres as the last of them.

    `hidden` marks rows that do not count, `reach` is a squared distance in degrees of latitude. The same arithmetic as
    for one place, to the bit (see `Positions`).
    """
    found: list[Found] = []
    step = max(1, NEAREST_CELLS_MAX // max(1, len(lats)))
    for start in range(0, len(places), step):
        square = _squares(places[start : start + step], lats, lons)
        if hidden is not None:
            square[:, hidden] = np.inf
        bound: float | NDArray[np.float64] = reach
        if len(lats) > limit:
            last = np.rint(np.sqrt(np.partition(square, limit - 1, axis=1)[:, limit - 1 : limit]) * METRES_PER_DEG)
            bound = np.minimum(((last + HALF_METRE) / METRES_PER_DEG) ** 2, reach)
        flat = np.flatnonzero(square <= bound)
        at, rows = np.divmod(flat, len(lats))
        metres: list[float] = np.rint(np.sqrt(square.ravel()[flat]) * METRES_PER_DEG).tolist()
        picked: list[int] = rows.tolist()
        begin = 0
        for end in np.searchsorted(at, np.arange(1, len(square) + 1)).tolist():
            pairs = zip(metres[begin:end], picked[begin:end], strict=True)
            found.append([(int(distance), names[row], row) for distance, row in pairs])
            begin = end
    return found


def _squares(
    places: Sequence[tuple[float, float]], lats: NDArray[np.float64], lons: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(places x riders) Squared distances in degrees of latitude."""
    phis = [math.radians(lat) for lat, _ in places]
    cosine = np.array([math.cos(phi) for phi in phis])[:, None]
    slope = np.array([math.sin(phi) * math.pi / 360 for phi in phis])[:, None]
    at = np.array(places)
    up = lats - at[:, 0, None]
    across = lons - at[:, 1, None]
    if np.abs(at[:, 1]).max() > MERIDIAN_DEG:
        wraps = np.abs(at[:, 1]) > MERIDIAN_DEG
        across[wraps] = np.remainder(across[wraps] + 180.0, 360.0) - 180.0
    across *= cosine - up * slope
    up *= up
    across *= across
    up += across
    return up
