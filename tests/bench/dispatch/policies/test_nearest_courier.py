"""The simplest baseline."""

from bench.dispatch.policies.nearest_courier import Nearest
from bench.dispatch.simulator.strict import simulate
from tests.bench.dispatch.days import TOWN


def test_the_nearest_courier_goes() -> None:
    """Of two idle couriers the one in the restaurant takes the order; the next order gets the other."""
    trips = simulate(TOWN, Nearest).solution.trips
    assert {trip.orders: trip.courier for trip in trips}["o1",] == "c2"
    assert {trip.orders: trip.courier for trip in trips}["o2",] == "c1"
