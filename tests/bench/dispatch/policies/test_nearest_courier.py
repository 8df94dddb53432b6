"""The simplest baseline."""

from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from bench.demo.district.instance import Instance, read
from bench.dispatch.policies.nearest_courier import Nearest
from bench.dispatch.simulator.feasibility import violations
from bench.dispatch.simulator.scorer import score
from bench.dispatch.simulator.strict import simulate
from tests.bench.dispatch.days import ALONE, SMALL, TOWN, instances


def test_the_nearest_courier_goes() -> None:
    """Of two idle couriers the one in the restaurant takes the order; the next order gets the other."""
    trips = simulate(TOWN, Nearest).solution.trips
    assert {trip.orders: trip.courier for trip in trips}["o1",] == "c2"
    assert {trip.orders: trip.courier for trip in trips}["o2",] == "c1"


def test_one_order_is_served_best() -> None:
    """Where there is nothing to choose, the floor is reached."""
    got = score(ALONE, simulate(ALONE, Nearest).solution)
    assert got.ctd_mean == got.lb_ctd


@given(instances(), st.booleans(), st.sampled_from([1, 5]))
def test_it_stays_within_the_rules(instance: Instance, uncertain: bool, every: int) -> None:
    """On any day, with whatever knowledge, the solution is feasible and never below the floor."""
    solution = simulate(instance, partial(Nearest, every=every), uncertain).solution
    assert violations(instance, solution) == []


def test_the_small_district_is_served() -> None:
    """On the day that ships with the project most orders arrive."""
    instance = read(SMALL)
    assert score(instance, simulate(instance, Nearest).solution).undelivered_pct < 50
