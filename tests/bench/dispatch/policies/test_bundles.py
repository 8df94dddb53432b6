"""Bundles by parallel insertion."""

from hypothesis import given
from hypothesis import strategies as st

from bench.dispatch.policies.bundles import build, cost, timing
from bench.dispatch.policies.policy import Known
from bench.dispatch.simulator.strict import day_of
from tests.bench.dispatch.days import TOWN

DAY = day_of(TOWN, uncertain=False)


def order(name: str, x: int, ready: int) -> Known:
    """An order of r1, on the road that leads east of it."""
    return Known(name, (x, 0), 0, "r1", ready)


orders = st.lists(
    st.builds(order, st.integers(0, 99).map("o{}".format), st.integers(-6_000, 6_000), st.integers(0, 60)),
    max_size=8,
    unique_by=lambda each: each.name,
)


def test_the_times_of_a_route_are_those_of_the_rules() -> None:
    """Two minutes after the pickup, the way, two for the drop-off, two more, and so on."""
    assert timing(DAY, "r1", [order("a", 1_600, 0)]) == (2 + 5 + 2, 2 + 5 + 4)
    assert timing(DAY, "r1", [order("a", 1_600, 0), order("b", 3_200, 0)]) == (2 + 5 + 4 + 5 + 2, 2 + 5 + 4 + 5 + 4)


def test_lateness_costs() -> None:
    """An order that waits for another's preparation, or rides past it, makes a route dearer."""
    together = [order("a", 1_600, 0), order("b", 1_600, 0)]
    waiting = [order("a", 1_600, 0), order("b", 1_600, 10)]
    assert cost(DAY, "r1", []) == 0
    assert cost(DAY, "r1", waiting) == cost(DAY, "r1", together) + 10


def test_neighbours_ready_together_share_a_route() -> None:
    """With two a bundle, those who live together ride together, in the sequence of the road."""
    near = [order("a", 3_200, 5), order("b", 1_600, 5)]
    west = [order("c", -3_200, 5), order("d", -1_600, 5)]
    found = build(DAY, "r1", [], [*near, *west], 2)
    assert sorted([each.name for each in route] for route in found) == [["b", "a"], ["d", "c"]]


@given(orders, st.integers(1, 4))
def test_each_order_is_in_one_route(loose: list[Known], size: int) -> None:
    """None is lost, none doubled, and no route is empty."""
    found = build(DAY, "r1", [], loose, size)
    assert sorted(each.name for route in found for each in route) == sorted(each.name for each in loose)
    assert all(found)


@given(orders, st.integers(1, 4), st.integers(0, 4))
def test_couriers_on_their_way_lose_nothing(some: list[Known], size: int, held: int) -> None:
    """The first routes are those that were given, in their sequence, with all their orders."""
    fixed = [[each] for each in some[:held]]
    found = build(DAY, "r1", fixed, some[held:], size)
    for before, route in zip(fixed, found, strict=False):
        assert before[0] in route
    assert len(found) >= len(fixed)
