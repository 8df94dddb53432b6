"""WGS-84 and GCJ-02, the two systems that a mini-program's location call yields. Pure.

The conversion is the `prcoords` library's. Outside the area that GCJ-02 covers both systems are the same.
"""

from typing import Final

import prcoords  # pyright: ignore[reportMissingTypeStubs]

_CONVERSIONS: Final = {("wgs84", "gcj02"): prcoords.wgs_gcj, ("gcj02", "wgs84"): prcoords.gcj_wgs_bored}


def converted(lat: float, lon: float, source: str, target: str) -> tuple[float, float]:
    """A point in degrees, from one coordinate system to the other."""
    point = prcoords.Coords(lat, lon)
    if source == target or not prcoords.sanity_in_china_p(point):
        return lat, lon
    moved = _CONVERSIONS[source, target](point, False)  # the check was made above
    return moved.lat, moved.lon
