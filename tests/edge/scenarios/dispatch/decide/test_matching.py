"""A rider of its own for each order of a burst."""

from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.limits import MATCHED_STEPS_MAX
from edge.scenarios.dispatch.decide.candidates import RANK, CandidateCost
from edge.scenarios.dispatch.decide.matching import match

ENOUGH = 10_000


def option(rider, total):
    return CandidateCost(rider, 0, 0, 0, 0, 0, 0, 0, 0, total, 1, 0, True)


def rows_of(costs):
    """(orders x riders) Options as a round has them, the cheapest first; None where an order does not see a rider."""
    return [
        sorted([option(f"r{at}", cost) for at, cost in enumerate(row) if cost is not None], key=RANK) for row in costs
    ]


def total(found):
    return sum(one.total for one in found if one is not None)


@settings(max_examples=200)
@given(st.data())
def test_the_sum_is_the_least(data):
    """With riders enough everybody has one, nobody the same, and no other way of sharing them costs less."""
    orders = data.draw(st.integers(1, 5))
    riders = data.draw(st.integers(orders, 6))
    row = st.lists(st.integers(0, 30), min_size=riders, max_size=riders)
    costs = data.draw(st.lists(row, min_size=orders, max_size=orders))
    found = match(rows_of(costs), {}, [ENOUGH] * orders)
    names = [one.rider for one in found if one is not None]
    assert len(set(names)) == len(names) == orders
    ways = permutations(range(riders), orders)
    assert total(found) == min(sum(costs[order][rider] for order, rider in enumerate(way)) for way in ways)


@settings(max_examples=200)
@given(st.data())
def test_nobody_gets_what_it_did_not_see(data):
    """Whoever sees whom, and whoever is taken: each order has one of its own options or none, no rider two orders, and
    an order that has none could have had nobody but by taking a rider from another."""
    costs = data.draw(st.lists(st.lists(st.none() | st.integers(0, 300), min_size=6, max_size=6), max_size=8))
    taken = data.draw(st.sets(st.sampled_from([f"r{at}" for at in range(6)])))
    rows = rows_of(costs)
    found = match(rows, taken, [ENOUGH] * len(rows))
    names = [one.rider for one in found if one is not None]
    assert len(set(names)) == len(names)
    assert taken.isdisjoint(names)
    for one, row in zip(found, rows, strict=True):
        assert one is None or one in row
        if one is None:
            assert {each.rider for each in row} <= taken | set(names)


def test_too_much_is_left_to_the_plan():
    """An order gets no rider where that costs more than its extra over the first choice, others' detours included."""
    rows = rows_of([[10, 20], [10, 400]])
    for extra, expected in ((9, ["r0", None]), (10, ["r1", "r0"])):
        found = match(rows, {}, [extra, extra])
        assert [None if one is None else one.rider for one in found] == expected
    assert [one and one.rider for one in match(rows, {"r0"}, [10, 389])] == ["r1", None]


def test_earlier_orders_keep_a_rider():
    """With too few riders the earlier orders have them, whatever a later one would save."""
    found = match(rows_of([[50], [0], [0]]), {}, [ENOUGH] * 3)
    assert [one is not None for one in found] == [True, False, False]


def test_a_crowd_around_few_riders_ends_soon():
    """Where a hundred orders see the same riders, the last of them do not search for ever; they get nobody."""
    costs = [[order + rider for rider in range(MATCHED_STEPS_MAX)] for order in range(100)]
    found = match(rows_of(costs), {}, [ENOUGH] * 100)
    assert sum(one is not None for one in found) == MATCHED_STEPS_MAX
