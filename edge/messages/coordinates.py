"""WGS-84 and GCJ-02, the two systems that a mini-program's location call yields. Pure.

The conversion is the `prcoords` library's, good to a quarter of a metre. Outside the mainland of China both systems are
the same; the library's own check is a rectangle, which would move Seoul, Hanoi and Taipei by hundreds of metres.
"""

from typing import Final

import prcoords  # pyright: ignore[reportMissingTypeStubs]

from .mainland import in_mainland

_CONVERSIONS: Final = {("wgs84", "gcj02"): prcoords.wgs_gcj, ("gcj02", "wgs84"): prcoords.gcj_wgs}


def converted(lat: float, lon: float, source: str, target: str) -> tuple[float, float]:
    """A point in degrees, from one coordinate system to the other."""
    if source == target or not in_mainland(lat, lon):
        return lat, lon
    moved = _CONVERSIONS[source, target](prcoords.Coords(lat, lon), False)  # the check was made above
    return moved.lat, moved.lon
