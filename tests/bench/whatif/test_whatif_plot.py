"""Tests of bench.whatif.whatif_plot."""

from xml.etree import ElementTree as ET

import pytest

from bench.whatif.day import Outcome
from bench.whatif.whatif_plot import draw
from tests.bench.whatif.recorded_day import T0, order

ORDERS = [order(number, at_s=number * 3_000) for number in range(1, 9)]
THERE = {one.name: Outcome("delivered", one.placed_ms + 1_000_000 + number) for number, one in enumerate(ORDERS)}


def lines(svg: str) -> list[list[tuple[float, float]]]:
    """The points of every line that is data."""
    root = ET.fromstring(svg)
    found = [node.get("points", "") for node in root.iter("{http://www.w3.org/2000/svg}polyline")]
    return [[(float(x), float(y)) for x, y in (point.split(",") for point in one.split())] for one in found]


def test_each_column_has_its_two_lines() -> None:
    """Inside of the drawing; titles and hours are written, what is special in XML is escaped."""
    svg = draw(ORDERS, [("recorded", THERE), ("a < b", THERE), ("c", THERE)], 2_400, lambda ms: f"{ms - T0}!")
    found = lines(svg)
    assert len(found) == 6
    assert all(0 <= x <= 760 and 0 <= y <= 570 for line in found for x, y in line)
    assert "a &lt; b" in svg
    assert "!</text>" in svg


def test_what_never_arrives_is_missing_at_the_end() -> None:
    """With half of the orders delivered the line ends at half of the height."""
    some = {name: one for number, (name, one) in enumerate(THERE.items()) if number % 2}
    whole, half, *_ = lines(draw(ORDERS, [("all", THERE), ("half", some)], 2_400, str))
    assert whole[-1][1] < half[-1][1] < whole[0][1]
    assert half[-1][1] - whole[-1][1] == pytest.approx(whole[0][1] - half[-1][1], abs=0.2)


@pytest.mark.parametrize("outcomes", [{}, {"o-1": Outcome("cancelled", T0)}])
def test_nothing_delivered_can_be_drawn(outcomes: dict[str, Outcome]) -> None:
    """A day on which nothing came."""
    assert draw(ORDERS, [("nothing", outcomes)], 2_400, str).startswith("<svg")
