"""From metres to degrees."""

import math

from hypothesis import given
from hypothesis import strategies as st

from bench.demo.district.geometry import EARTH_RADIUS_M, Geometry

near = st.floats(-15_000, 15_000)


def haversine_m(lat0: float, lon0: float, lat1: float, lon1: float) -> float:
    """Great-circle distance, the formula of R. W. Sinnott, Virtues of the Haversine, 1984."""
    a, b = math.radians(lat0), math.radians(lat1)
    h = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(math.radians(lon1 - lon0) / 2) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(h))


@given(near, near, near, near)
def test_distances_survive(x0: float, y0: float, x1: float, y1: float) -> None:
    """Two points of a city are as far apart on the globe as on the plane, within 0.2 % and 2 m."""
    geometry = Geometry(0, 0)
    a, b = geometry.place(x0, y0), geometry.place(x1, y1)
    flat = math.hypot(x1 - x0, y1 - y0)
    assert abs(haversine_m(a.lat, a.lon, b.lat, b.lon) - flat) <= 0.002 * flat + 2
