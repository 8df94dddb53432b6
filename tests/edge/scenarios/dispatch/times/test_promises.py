"""Tests of edge.scenarios.dispatch.times.promises: calibration, and what a new node promises."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.scenarios.dispatch.times.learned import PROMISE_TOLERANCE_S, SCARCE_MAX, Learned, Mean, Promises, scarcity
from edge.scenarios.dispatch.times.promises import QUANTILE_MAX, SHARES, learn


def test_a_new_node_promises_with_care() -> None:
    """More than what is expected; more where no preparation time was stated."""
    promises = Promises()
    stated, unstated = (promises.interval(None, stated, 1.0) for stated in (True, False))
    assert 0 < stated.promised < unstated.promised
    assert unstated.earliest < 0 < unstated.latest


@pytest.mark.parametrize("spread_s", [60, 400])
def test_it_is_calibrated(spread_s: int) -> None:
    """Whatever the errors are, 8 of 10 are inside, and few come more than the tolerance after the promise."""
    lots = random.Random(spread_s)
    promises, shops = Promises(), [Mean() for _ in range(5)]
    inside = late = 0
    for number in range(6_000):
        shop = shops[number % 5]
        error_s = lots.gauss(30, spread_s) + lots.expovariate(1 / spread_s)
        error_s *= (0.4, 1.0, 1.8)[number % 3]
        scarce = (0.5, 1.0, 2.0)[number % 3]
        found = promises.interval(shop, False, scarce)
        if number >= 1_000:
            inside += found.earliest <= error_s <= found.latest
            late += error_s > found.promised + PROMISE_TOLERANCE_S
        learn(promises, shop, False, scarce, error_s)
    assert inside / 5_000 == pytest.approx(0.8, abs=0.03)
    assert late / 5_000 < 0.03


def test_a_punctual_shop_is_promised_less() -> None:
    """The scale is that of the shop."""
    promises, punctual, late = Promises(), Mean(), Mean()
    lots = random.Random(1)
    for _ in range(100):
        learn(promises, punctual, False, 1.0, lots.gauss(0, 30))
        learn(promises, late, False, 1.0, lots.gauss(0, 900))
    narrow, wide = promises.interval(punctual, False, 1.0), promises.interval(late, False, 1.0)
    assert narrow.latest - narrow.earliest < (wide.latest - wide.earliest) / 2


def test_the_ends_are_in_their_sequence() -> None:
    """However wild the errors were, on whatever day."""
    lots = random.Random(2)
    learned = Learned()
    promises, shop = learned.promises, learned.shop("s").late
    for number in range(500):
        learned.turn(number // 50)
        learn(promises, shop, True, 2.0, lots.choice((-1e6, 0.0, 1e6)))
        found = promises.interval(shop, True, 0.5)
        assert found.earliest <= found.promised
        assert found.earliest <= found.latest


@given(st.lists(st.floats(-1e9, 1e9), max_size=300))
def test_a_quantile_has_a_bound(errors_s: list[float]) -> None:
    """However far off the errors are."""
    promises, shop = Promises(), Mean()
    for error_s in errors_s:
        learn(promises, shop, False, 0.5, error_s)
    for group in (*promises.groups, *promises.unstated):
        for quantile in group:
            assert abs(quantile.value) <= QUANTILE_MAX


def test_a_quantile_finds_its_share() -> None:
    """Of errors drawn from one distribution, the share lies below it."""
    lots = random.Random(1)
    promises, shop = Promises(), Mean()
    below = [0] * len(SHARES)
    for number in range(20_000):
        error_s = lots.gauss(0, 100)
        scale = promises.scale(shop, False, 1.0)
        for index, quantile in enumerate(promises.group(shop, False)):
            below[index] += number >= 1_000 and error_s / scale <= quantile.value
        learn(promises, shop, False, 1.0, error_s)
    assert [count / 19_000 for count in below] == pytest.approx(SHARES, abs=0.015)


def test_less_is_promised_where_riders_are_scarce() -> None:
    """Twice as far on both sides of the prediction, and so the promise; what is learned there counts for half."""
    promises, shop = Promises(), Mean()
    usual, scarce = (promises.interval(None, True, times) for times in (1.0, 2.0))
    assert (scarce.earliest, scarce.latest) == (2 * usual.earliest, 2 * usual.latest)
    assert scarce.promised + PROMISE_TOLERANCE_S == 2 * (usual.promised + PROMISE_TOLERANCE_S)
    learn(promises, shop, True, 2.0, 300.0)
    assert shop.value == promises.size.value == 150.0


@pytest.mark.parametrize(("error_s", "way"), [(1e6, 1), (-1e6, -1)])
def test_a_rare_quantile_moves_by_longer_steps(error_s: float, way: int) -> None:
    """Once warm: the others by 0.03 times their share, or what is left to 1; the one of 1 order in 50 by five times as
    much, so that it is where it belongs within a day."""
    promises, shop = Promises(), Mean()
    for each in promises.group(shop, True):
        each.n = 100
    before = [each.value for each in promises.group(shop, True)]
    learn(promises, shop, True, 1.0, error_s)
    moved = [each.value - value for each, value in zip(promises.groups[0], before, strict=True)]
    shares = [share if way > 0 else share - 1 for share in SHARES]
    assert moved == pytest.approx([0.03 * times * share for times, share in zip((1, 1, 1, 5), shares, strict=True)])


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_scarcity_grows_with_orders_and_falls_with_riders(waiting: int, idle: int) -> None:
    """Within its bounds; 1 where as many riders are idle as orders wait, and for orders that state no time."""
    found = scarcity(waiting, idle, True)
    assert 1 / SCARCE_MAX <= found <= SCARCE_MAX
    assert scarcity(waiting + 1, idle, True) >= found >= scarcity(waiting, idle + 1, True)
    assert scarcity(idle, max(idle, 1), True) == scarcity(waiting, idle, False) == 1.0
