"""From metres to degrees, and straight ways."""

import math

from hypothesis import given
from hypothesis import strategies as st

from bench.demo.district.geometry import EARTH_RADIUS_M, Geometry, drive

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


@given(near, near, near, near, st.integers(1, 3000))
def test_driving_takes_as_long_as_it_takes(x0: float, y0: float, x1: float, y1: float, speed: int) -> None:
    """A way starts here, ends there, and half of its time is half of its length."""
    leg = drive(x0, y0, x1, y1, 1_000, speed)
    assert math.dist(leg.at(0), (x0, y0)) <= speed / 60_000
    assert leg.at(leg.end_ms) == (x1, y1)
    assert abs((leg.end_ms - 1_000) - math.hypot(x1 - x0, y1 - y0) / speed * 60_000) <= 1
    middle = leg.at((leg.start_ms + leg.end_ms) // 2)
    assert math.dist(middle, ((x0 + x1) / 2, (y0 + y1) / 2)) <= 2 * speed / 60_000 + 1e-6


def test_a_leg_of_no_length() -> None:
    """Who stands is where they are, at any time."""
    leg = drive(5, 6, 5, 6, 100, 320)
    assert leg.at(0) == leg.at(99) == leg.at(10**12) == (5, 6)
