"""The spatial index."""

from hypothesis import given
from hypothesis import strategies as st

from edge.scenarios.dispatch.state.spatial_index import SpatialIndex
from edge.scenarios.dispatch.state.travel import metres

NEAR = st.floats(-0.1, 0.1) | st.floats(-0.005, 0.005)


@given(
    st.sampled_from([(0.0, 0.0), (52.5, 13.4), (-45.0, 179.99), (70.0, -179.99)]),
    st.lists(st.tuples(NEAR, NEAR), min_size=1, max_size=40),
)
def test_nobody_nearer_is_outside_the_searched_rings(centre, offsets):
    """After each ring, every rider nearer than the promised distance has been found."""
    grid = SpatialIndex()
    riders = {}
    for index, (up, across) in enumerate(offsets):
        lon = (centre[1] + across + 180) % 360 - 180
        riders[f"r{index}"] = centre[0] + up, lon
        grid.put(f"r{index}", centre[0] + up, lon)
    for rings in grid.searches(centre[0], centre[1], 20_000):
        found = set()
        for ring, safe_m in rings:
            assert found.isdisjoint(ring)
            found |= set(ring)
            for rider, place in riders.items():
                assert rider in found or metres(*centre, *place) >= safe_m - 1
    assert all(rider in found or metres(*centre, *place) > 20_000 for rider, place in riders.items())


def everybody(grid, lat, lon):
    """Whom the two searches find."""
    return [[rider for ring, _ in rings for rider in ring] for rings in grid.searches(lat, lon, 20_000)]


def test_a_rider_is_in_one_cell():
    """Moving takes a rider out of the old cell; a dropped one is nowhere; empty cells are not kept."""
    grid = SpatialIndex()
    grid.put("a", 52.5, 13.4)
    grid.put("a", 52.6, 13.5)
    assert [found.count("a") for found in everybody(grid, 52.5995, 13.4995)] == [1, 1]
    grid.drop("a")
    grid.drop("a")
    assert everybody(grid, 52.5995, 13.4995) == [[], []]
    assert grid._fine._cells == grid._coarse._cells == {}
