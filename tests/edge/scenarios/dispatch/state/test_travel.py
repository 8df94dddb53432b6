"""Distances and times of travel."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.scenarios.dispatch.options import DispatchOptions
from edge.scenarios.dispatch.state.travel import EARTH_RADIUS_M, Service, metres, ride_s

LAT, LON = st.floats(-85, 85), st.floats(-180, 180)


@given(LAT, LON, LAT, LON)
def test_metres_agree_with_the_angle_between_vectors(lat_a, lon_a, lat_b, lon_b):
    """The haversine equals the angle between the unit vectors of both points (another formula), to a metre."""

    def vector(lat, lon):
        phi, lam = math.radians(lat), math.radians(lon)
        return math.cos(phi) * math.cos(lam), math.cos(phi) * math.sin(lam), math.sin(phi)

    a, b = vector(lat_a, lon_a), vector(lat_b, lon_b)
    cross = (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])
    angle = math.atan2(math.hypot(*cross), sum(x * y for x, y in zip(a, b, strict=True)))
    assert metres(lat_a, lon_a, lat_b, lon_b) == pytest.approx(EARTH_RADIUS_M * angle, abs=1.5)


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


def test_service_times_lie_around_the_handover():
    """Half of the service before the food changes hands, half after; the ready time is respected."""
    service = Service(DispatchOptions(pickup_service_s=241, dropoff_service_s=100))
    assert service.pickup_ms(0, 0) == 120_000
    assert service.pickup_ms(0, 500_000) == 500_000
    assert service.dropoff_ms(0, 60) == 121_000 + 60_000 + 50_000
    assert service.free_ms(0) == 50_000
