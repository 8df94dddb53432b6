"""WGS-84 and GCJ-02, the two systems that a mini-program's location call yields, and the H3 cells of places. Pure.

The conversion is the `prcoords` library's, good to a quarter of a metre. Outside the mainland of China both systems are
the same; the library's own check is a rectangle, which would move Seoul, Hanoi and Taipei by hundreds of metres.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, cast

from .mainland import in_mainland


@cache
def _wgs_gcj() -> Any:
    """The library's function, imported where GCJ-02 applies. It takes any pair, and makes its own kind of it."""
    import prcoords  # pyright: ignore[reportMissingTypeStubs]

    return prcoords.wgs_gcj


@cache
def cell_of() -> Callable[[float, float, int], int]:
    """From degrees (WGS-84) and a resolution to the H3 cell. The library takes 20 ms to import, which no start waits
    for: the node does it beside its first work."""
    import h3.api.basic_int  # pyright: ignore[reportMissingTypeStubs]

    return cast(Any, h3.api.basic_int).latlng_to_cell


def converted(lat: float, lon: float, source: str, target: str) -> tuple[float, float]:
    """A point in degrees, from one coordinate system to the other."""
    if source == target or not in_mainland(lat, lon):
        return lat, lon
    moved_lat, moved_lon = _wgs_gcj()((lat, lon), False)  # checked above
    if target == "gcj02":
        return moved_lat, moved_lon
    return lat - (moved_lat - lat), lon - (moved_lon - lon)  # the library's gcj_wgs, without its three tuples
