"""What every policy does: it stays within the rules, and where there is nothing to choose it is as good as can be."""

from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.demo.district.instance import Courier, Instance, Order, Restaurant, read
from bench.dispatch.days import POLICIES
from bench.dispatch.policies.policy import Policy
from bench.dispatch.policies.waiting import Waiting
from bench.dispatch.simulator.feasibility import violations
from bench.dispatch.simulator.refusals import Unwilling
from bench.dispatch.simulator.scorer import score
from bench.dispatch.simulator.strict import simulate
from tests.bench.dispatch.days import ALONE, SMALL, TOWN, instances

Maker = Callable[..., Policy]
every_policy = pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
those_that_bundle = pytest.mark.parametrize("policy", [POLICIES["doorstep"], POLICIES["rolling-horizon"]])


@every_policy
def test_one_order_is_served_best(policy: Maker) -> None:
    """Where there is nothing to choose, the floor is reached."""
    got = score(ALONE, simulate(ALONE, policy).solution)
    assert got.ctd_mean == got.lb_ctd


@those_that_bundle
def test_everybody_in_town_is_served(policy: Maker) -> None:
    """In the town every order arrives."""
    got = score(TOWN, simulate(TOWN, policy).solution)
    assert (got.undelivered_pct, got.n_over_90) == (0.0, 0)


@those_that_bundle
def test_scarce_couriers_take_bundles(policy: Maker) -> None:
    """Four neighbours order at one restaurant and there is one courier: it carries them together."""
    orders = [Order(f"o{n}", 3_200 + 100 * n, 0, 10, "r1", 25) for n in range(4)]
    day = Instance("scarce", orders, [Courier("c1", 0, 0, 0, 60)], [Restaurant("r1", 0, 0)])
    trips = simulate(day, policy).solution.trips
    assert [len(trip.orders) for trip in trips] == [4]


@pytest.mark.parametrize(("policy", "undelivered_pct"), [("doorstep", 10), ("rolling-horizon", 10), ("nearest", 50)])
def test_the_small_district_is_served(policy: str, undelivered_pct: float) -> None:
    """On the day that ships with the project most orders arrive, with bundles almost every one."""
    instance = read(SMALL)
    assert score(instance, simulate(instance, POLICIES[policy]).solution).undelivered_pct < undelivered_pct


@every_policy
def test_no_order_is_forgotten_because_somebody_declined(policy: Maker) -> None:
    """With four of ten offers refused most orders still arrive."""
    instance = read(SMALL)
    outcome = simulate(instance, policy, unwilling=Unwilling(0.2, 0.2))
    assert outcome.refused.declined
    assert outcome.refused.silent
    assert score(instance, outcome.solution).undelivered_pct < 50


@every_policy
@given(
    instances(),
    st.booleans(),
    st.sampled_from([1, 5]),
    st.sampled_from([Unwilling(0.0, 0.0), Unwilling(0.3, 0.3), Unwilling(1.0, 0.0)]),
    st.booleans(),
)
def test_it_stays_within_the_rules(
    policy: Maker, instance: Instance, uncertain: bool, every: int, unwilling: Unwilling, held: bool
) -> None:
    """On any day, whatever is known and whoever refuses, also with orders held back, it decides nothing illegal."""
    make = partial(policy, every=every)
    made = partial(Waiting, make=make, minutes=every) if held else make
    assert violations(instance, simulate(instance, made, uncertain, unwilling).solution) == []
