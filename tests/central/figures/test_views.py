"""What pages show: shares, quantiles and hexagons, from sums."""

import h3.api.basic_int as h3
from hypothesis import given
from hypothesis import strategies as st

from central.figures import views
from central.store.rows import Sum

CELLS = sorted(h3.grid_disk(h3.latlng_to_cell(31.23, 121.47, 8), 3))


def total(**counters: int) -> Sum:
    """A sum with these counters, `.` written as `_`."""
    made = Sum()
    made.add_counters({name.replace("_", ".", 1): count for name, count in counters.items()})
    return made


def test_worst_nodes_come_first() -> None:
    """By the share of promises kept; who has no promises due is last, who has no orders is left out."""
    nodes = {
        "good": total(order_placed=10, promise_kept=10),
        "bad": total(order_placed=10, promise_kept=5, promise_broken=5),
        "new": total(order_placed=1),
        "empty": total(),
    }
    rows = views.orders_by_node(nodes)
    assert [(row["node"], row["kept"]) for row in rows] == [("bad", 0.5), ("good", 1.0), ("new", None)]


def test_without_values_there_are_no_quantiles() -> None:
    """And no division by nothing."""
    assert views.quantile(0, 0, b"") == views.Quantile(0, None, None, None, None)
    assert views.hexagons({}) == ([], 0.0)
    assert views.steps([]) == []


@given(st.dictionaries(st.sampled_from(CELLS), st.integers(1, 10**6), min_size=1))
def test_hexagons_are_in_the_picture(counts: dict[int, int]) -> None:
    """Each cell once, inside the drawing, the busiest last and darkest; the legend covers every count."""
    drawn, height = views.hexagons(counts)
    assert len(drawn) == len(counts)
    assert drawn[-1].count == max(counts.values())
    assert drawn[-1].shade == 4
    for cell in drawn:
        points = [tuple(map(float, point.split(","))) for point in cell.points.split()]
        assert len(points) in (5, 6, 7)
        assert all(-0.1 <= x <= 1000.1 and -0.1 <= y <= height + 0.1 for x, y in points)
    assert 0 < height <= 760
    for low, high in views.steps(drawn):
        assert low <= high + 1
    steps = views.steps(drawn)
    assert not steps or (steps[0][0], steps[-1][1]) == (1, max(counts.values()))
    for cell in drawn if steps else []:
        low, high = steps[cell.shade]
        assert low <= cell.count <= high
