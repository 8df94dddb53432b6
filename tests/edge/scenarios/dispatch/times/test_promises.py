"""Tests of edge.scenarios.dispatch.times.promises: calibration, and what a new node promises."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.scenarios.dispatch.times.learned import PROMISE_TOLERANCE_S, Learned, Mean, Promises
from edge.scenarios.dispatch.times.promises import QUANTILE_MAX, SHARES, learn


def test_a_new_node_promises_with_care() -> None:
    """More than what is expected; more where no preparation time was stated."""
    promises = Promises.empty()
    stated, unstated = (promises.interval(None, stated) for stated in (True, False))
    assert 0 < stated.promised < unstated.promised
    assert unstated.earliest < 0 < unstated.latest


@pytest.mark.parametrize("spread_s", [60, 400])
def test_it_is_calibrated(spread_s: int) -> None:
    """Whatever the errors are, 8 of 10 are inside, and few come more than the tolerance after the promise."""
    lots = random.Random(spread_s)
    promises, shops = Promises.empty(), [Mean() for _ in range(5)]
    inside = late = 0
    for number in range(6_000):
        shop = shops[number % 5]
        error_s = lots.gauss(30, spread_s) + lots.expovariate(1 / spread_s)
        found = promises.interval(shop, False)
        if number >= 1_000:
            inside += found.earliest <= error_s <= found.latest
            late += error_s > found.promised + PROMISE_TOLERANCE_S
        learn(promises, shop, False, error_s)
    assert inside / 5_000 == pytest.approx(0.8, abs=0.03)
    assert late / 5_000 < 0.03


def test_a_punctual_shop_is_promised_less() -> None:
    """The scale is that of the shop."""
    promises, punctual, late = Promises.empty(), Mean(), Mean()
    lots = random.Random(1)
    for _ in range(100):
        learn(promises, punctual, False, lots.gauss(0, 30))
        learn(promises, late, False, lots.gauss(0, 900))
    narrow, wide = promises.interval(punctual, False), promises.interval(late, False)
    assert narrow.latest - narrow.earliest < (wide.latest - wide.earliest) / 2


def test_the_ends_are_in_their_sequence() -> None:
    """However wild the errors were, on whatever day."""
    lots = random.Random(2)
    learned = Learned.empty()
    promises, shop = learned.promises, learned.shop("s").late
    for number in range(500):
        learned.turn(number // 50)
        learn(promises, shop, True, lots.choice((-1e6, 0.0, 1e6)))
        found = promises.interval(shop, True)
        assert found.earliest <= found.promised
        assert found.earliest <= found.latest


@given(st.lists(st.floats(-1e9, 1e9), max_size=300))
def test_a_quantile_has_a_bound(errors_s: list[float]) -> None:
    """However far off the errors are."""
    promises, shop = Promises.empty(), Mean()
    for error_s in errors_s:
        learn(promises, shop, False, error_s)
    for group in promises.groups:
        for quantile in group:
            assert abs(quantile.value) <= QUANTILE_MAX


def test_a_quantile_finds_its_share() -> None:
    """Of errors drawn from one distribution, the share lies below it."""
    lots = random.Random(1)
    promises, shop = Promises.empty(), Mean()
    below = [0] * len(SHARES)
    for number in range(20_000):
        error_s = lots.gauss(0, 100)
        scale = promises.scale(shop, False)
        for index, quantile in enumerate(promises.group(shop)):
            below[index] += number >= 1_000 and error_s / scale <= quantile.value
        learn(promises, shop, False, error_s)
    assert [count / 19_000 for count in below] == pytest.approx(SHARES, abs=0.015)
