"""Tests of edge.scenarios.check.growth: what has no bound is found, what has one may take its time to fill."""

import pytest

from edge.scenarios.check.growth import grow
from tests.edge.scenarios.check.conftest import Plant

FILE, KEPT, MOST = "scenario.py", "24 * 3600.0", "ORDERS_MAX: Final = 10_000"
FIGURES = "    def gauges(self)"
QUEUE = """    def queues(self) -> Mapping[str, tuple[int, int]]:
        return {"orders": (len(self._sums), ORDERS_MAX)}

"""


@pytest.mark.parametrize(
    ("replaced", "words"),
    [
        ({KEPT: "1e12"}, "the state grows without end"),
        ({KEPT: "1e12", MOST: "ORDERS_MAX: Final = 500"}, ""),
        ({KEPT: "1e12", FIGURES: f"{QUEUE}{FIGURES}"}, ""),
    ],
    ids=["for ever", "up to a limit", "in a queue with a bound"],
)
def test_growth_needs_a_bound(plant: Plant, replaced: dict[str, str], words: str) -> None:
    """Growth that ends, or that a queue with a bound accounts for, is none."""
    grown = grow(plant(FILE, replaced), 3_000)
    assert bool(grown.problem) == bool(words)
    assert grown.problem.startswith(words)
    assert grown.us_per_message > 0


def test_the_size_at_the_bounds_is_reported(plant: Plant) -> None:
    """Where queues have a bound, the line has what the state weighs when they are full."""
    assert "MB with 10000 orders" in grow(plant(FILE, {FIGURES: f"{QUEUE}{FIGURES}"}), 1_000).summary
