"""The spatial index."""

from math import asin, cos, radians, sin, sqrt

from hypothesis import given
from hypothesis import strategies as st

from edge.scenarios.dispatch.travel.ride_times import EARTH_RADIUS_M
from edge.scenarios.dispatch.travel.spatial_index import SpatialIndex, Spot

NEAR = st.floats(-0.1, 0.1) | st.floats(-0.005, 0.005)


def great_circle_m(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> float:
    """The haversine formula."""
    up, across = radians(lat_b - lat_a) / 2, radians(lon_b - lon_a) / 2
    square = sin(up) ** 2 + cos(radians(lat_a)) * cos(radians(lat_b)) * sin(across) ** 2
    return 2 * asin(sqrt(square)) * EARTH_RADIUS_M


@given(
    centre=st.sampled_from([(0.0, 0.0), (52.5, 13.4), (-45.0, 179.99), (70.0, -179.99)]),
    offsets=st.lists(st.tuples(NEAR, NEAR, st.integers(0, 1)), min_size=1, max_size=40),
    limit=st.integers(1, 12),
    radius_m=st.sampled_from([500, 20_000]),
)
def test_it_agrees_with_looking_at_everybody(centre, offsets, limit, radius_m):
    """Those found are the nearest by great circle, to a metre, ties by name, within the radius, and none with a place
    that is too old."""
    index = SpatialIndex()
    lat, lon = centre
    spots = [
        Spot(f"r{number}", lat + up, (lon + across + 180) % 360 - 180, at_ms)
        for number, (up, across, at_ms) in enumerate(offsets)
    ]
    for spot in spots:
        index.put(spot)
    exact = sorted(great_circle_m(lat, lon, spot.lat, spot.lon) for spot in spots if spot.at_ms >= 1)
    within = [far_m for far_m in exact if far_m <= radius_m]
    found = index.nearest(lat, lon, limit, radius_m, 1)
    edge = sum(abs(far_m - radius_m) <= 1 for far_m in exact)
    assert abs(len(found) - min(limit, len(within))) <= edge
    assert found == sorted(found)
    assert all(abs(far_m - one) <= 1 for far_m, (one, _, _) in zip(exact, found, strict=False))
    assert all(abs(great_circle_m(lat, lon, spot.lat, spot.lon) - one) <= 1 for one, _, spot in found)


@given(
    offsets=st.lists(st.tuples(NEAR, NEAR, st.integers(0, 1), st.booleans()), min_size=1, max_size=200),
    limit=st.integers(1, 12),
    radius_m=st.sampled_from([500, 20_000]),
)
def test_those_who_fit_are_found_as_if_nobody_else_were_there(offsets, limit, radius_m):
    """However many nearer ones do not fit, and whatever is too old."""
    everybody, fitting = SpatialIndex(), SpatialIndex()
    fits: set[str] = set()
    for number, (up, across, at_ms, fit) in enumerate(offsets):
        spot = Spot(f"r{number}", 52.5 + up, 13.4 + across, at_ms)
        everybody.put(spot)
        if fit:
            fits.add(spot.id)
            fitting.put(spot)
    found = everybody.nearest(52.5, 13.4, limit, radius_m, 1, fits.__contains__)
    assert found == fitting.nearest(52.5, 13.4, limit, radius_m, 1)


def test_a_rider_is_in_one_place():
    """Moving takes a rider from its old place; a dropped one is nowhere, and the others stay; the table grows."""
    index = SpatialIndex()
    spots = [Spot(f"r{number}", 52.5 + number / 1e5, 13.4) for number in range(200)]
    for spot in spots:
        index.put(spot)
    spots[7].lat = 52.6
    index.put(spots[7])
    for number in (0, 0, 199, 100):
        index.drop(f"r{number}")
    left = [f"r{number}" for number in range(1, 199) if number not in (7, 100)]
    assert [one[1] for one in index.nearest(52.5, 13.4, 300, 20_000, 0)] == [*left, "r7"]
