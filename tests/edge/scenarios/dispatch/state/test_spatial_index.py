"""The spatial index."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.scenarios.dispatch.state import spatial_index
from edge.scenarios.dispatch.state.spatial_index import SpatialIndex, Spot
from edge.scenarios.dispatch.state.travel import metres

NEAR = st.floats(-0.1, 0.1) | st.floats(-0.005, 0.005)


@pytest.mark.parametrize("few", [0, 1_000])
@given(
    centre=st.sampled_from([(0.0, 0.0), (52.5, 13.4), (-45.0, 179.99), (70.0, -179.99)]),
    offsets=st.lists(st.tuples(NEAR, NEAR, st.integers(0, 1)), min_size=1, max_size=40),
    limit=st.integers(1, 12),
    radius_m=st.sampled_from([500, 20_000]),
)
def test_it_agrees_with_looking_at_everybody(few, centre, offsets, limit, radius_m):
    """With cells and without, those found are the nearest, ties by name, within the radius, and none with a place that
    is too old."""
    grid = SpatialIndex()
    lat, lon = centre
    spots = [
        Spot(f"r{index}", lat + up, (lon + across + 180) % 360 - 180, at_ms)
        for index, (up, across, at_ms) in enumerate(offsets)
    ]
    for spot in spots:
        grid.put(spot)
    exact = sorted((metres(lat, lon, spot.lat, spot.lon), spot.id) for spot in spots if spot.at_ms >= 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spatial_index, "FEW", few)
        found = grid.nearest(lat, lon, limit, radius_m, 1)
    assert [one[:2] for one in found] == [one for one in exact if one[0] <= radius_m][:limit]


def test_a_rider_is_in_one_place(monkeypatch):
    """Moving takes a rider out of its old cells; a dropped one is nowhere; empty cells are not kept."""
    monkeypatch.setattr(spatial_index, "FEW", 0)
    grid = SpatialIndex()
    spot = Spot("a", 52.5, 13.4)
    grid.put(spot)
    spot.lat, spot.lon = 52.6, 13.5
    grid.put(spot)
    assert [one[1] for one in grid.nearest(52.5995, 13.4995, 5, 20_000, 0)] == ["a"]
    grid.drop("a")
    grid.drop("a")
    assert grid.nearest(52.5995, 13.4995, 5, 20_000, 0) == []
    assert grid._cells == grid._cell_of == {}
