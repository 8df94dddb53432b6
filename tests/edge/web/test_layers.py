"""The layers of the map: bounded, the most urgent things first, and honest about what it leaves out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.scenario import Dot
from edge.web import layers
from edge.web.layers import MAP_POINTS_MAX, bounded


def dots(n: int) -> list[Dot]:
    """`n` things in one place."""
    return [Dot(f"x{i}", 1.0, 2.0, "idle") for i in range(n)]


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))
def test_a_view_is_cut_and_shows_how_much_is_missing(shops: int, riders: int, orders: int) -> None:
    """Drawn and left out add up for each kind, at most the bound is drawn, and orders come before riders and shops."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layers, "MAP_POINTS_MAX", 20)
        cut = bounded({"shops": dots(shops), "riders": dots(riders), "orders": dots(orders)})
    drawn = {kind: len(cut[kind]) for kind in ("shops", "riders", "orders")}
    assert {kind: n + cut["left_out"][kind] for kind, n in drawn.items()} == {
        "shops": shops,
        "riders": riders,
        "orders": orders,
    }
    assert sum(drawn.values()) == min(20, shops + riders + orders)
    assert drawn["orders"] == min(orders, 20)
    assert drawn["shops"] == 0 or drawn["riders"] == riders


def test_a_large_district_is_cut_to_the_bound() -> None:
    """A district over MAP_POINTS_MAX is cut to exactly it."""
    cut = bounded({"shops": dots(10), "riders": dots(MAP_POINTS_MAX), "orders": dots(10)})
    assert cut["left_out"] == {"orders": 0, "riders": 10, "shops": 10}
