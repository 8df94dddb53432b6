"""Distances and times of travel."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.scenarios.dispatch.options import DispatchOptions
from edge.scenarios.dispatch.travel.ride_times import EARTH_RADIUS_M, Service, metres, ride_s, rides_s

LAT, LON = st.floats(-85, 85), st.floats(-180, 180)


@given(st.floats(-75, 75), LON, st.floats(-0.2, 0.2), st.floats(-0.2, 0.2))
def test_metres_agree_with_the_angle_between_vectors(lat_a, lon_a, up, across):
    """Within a district the distance is that of the sphere (the angle between unit vectors, another formula), to some
    parts in 100,000; also across the 180th meridian."""
    lat_b, lon_b = lat_a + up, (lon_a + across + 180) % 360 - 180

    def vector(lat, lon):
        phi, lam = math.radians(lat), math.radians(lon)
        return math.cos(phi) * math.cos(lam), math.cos(phi) * math.sin(lam), math.sin(phi)

    a, b = vector(lat_a, lon_a), vector(lat_b, lon_b)
    cross = (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])
    angle = math.atan2(math.hypot(*cross), sum(x * y for x, y in zip(a, b, strict=True)))
    assert metres(lat_a, lon_a, lat_b, lon_b) == pytest.approx(EARTH_RADIUS_M * angle, abs=1.5, rel=5e-5)


def test_a_degree_of_latitude():
    """A known distance: one degree of the mean sphere's meridian is 111,195 m."""
    assert metres(0, 0, 1, 0) == 111_195


@given(LAT, LON, LAT, LON)
def test_travel_is_symmetric_and_rounded_up(lat_a, lon_a, lat_b, lon_b):
    """There and back take the same whole seconds, never fewer than the detour at full speed."""
    rules = DispatchOptions(speed_mps=5.0, detour_factor=1.3)
    there = ride_s(lat_a, lon_a, lat_b, lon_b, rules)
    assert there == ride_s(lat_b, lon_b, lat_a, lon_a, rules)
    assert there >= metres(lat_a, lon_a, lat_b, lon_b) * 1.3 / 5.0 > there - 1


@given(st.lists(st.tuples(LAT, LON), min_size=1, max_size=5), st.lists(st.tuples(LAT, LON), min_size=1, max_size=5))
def test_many_rides_are_the_same_as_one_by_one(starts, ends):
    """The table has each ride that is worked out alone."""
    rules = DispatchOptions(speed_mps=5.0, detour_factor=1.3)
    alone = [ride_s(a, b, c, d, rules) for a, b in starts for c, d in ends]
    assert rides_s(starts, ends, rules).ravel().tolist() == pytest.approx(alone, abs=1)


def test_service_times_lie_around_the_handover():
    """Half of the service before the food changes hands, half after."""
    service = Service(DispatchOptions(pickup_service_s=241, dropoff_service_s=100))
    assert (service.before_pickup, service.after_pickup) == (120_000, 121_000)
    assert (service.before_dropoff, service.after_dropoff) == (50_000, 50_000)
    assert service.dropoff_ms(0, 60) == 121_000 + 60_000 + 50_000
