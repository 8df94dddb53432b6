"""Tests of edge.scenarios.dispatch.times.promises: calibration, and what a new node promises."""

import random

import pytest

from edge.scenarios.dispatch.times.means import Mean
from edge.scenarios.dispatch.times.promises import PROMISE_TOLERANCE_S, Promises


def test_a_new_node_promises_with_care() -> None:
    """More than what is expected; more where no preparation time was stated."""
    promises = Promises.empty()
    stated, unstated = (promises.interval(None, stated, 1) for stated in (True, False))
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
        found = promises.interval(shop, False, 1)
        if number >= 1_000:
            inside += found.earliest <= error_s <= found.latest
            late += error_s > found.promised + PROMISE_TOLERANCE_S
        promises.learn(shop, False, error_s, 1)
    assert inside / 5_000 == pytest.approx(0.8, abs=0.03)
    assert late / 5_000 < 0.03


def test_a_punctual_shop_is_promised_less() -> None:
    """The scale is that of the shop."""
    promises, punctual, late = Promises.empty(), Mean(), Mean()
    lots = random.Random(1)
    for _ in range(100):
        promises.learn(punctual, False, lots.gauss(0, 30), 1)
        promises.learn(late, False, lots.gauss(0, 900), 1)
    narrow, wide = promises.interval(punctual, False, 1), promises.interval(late, False, 1)
    assert narrow.latest - narrow.earliest < (wide.latest - wide.earliest) / 2


def test_the_ends_are_in_their_sequence() -> None:
    """However wild the errors were."""
    lots = random.Random(2)
    promises, shop = Promises.empty(), Mean()
    for number in range(500):
        promises.learn(shop, True, lots.choice((-1e6, 0.0, 1e6)), number // 50)
        found = promises.interval(shop, True, number // 50)
        assert found.earliest <= found.promised
        assert found.earliest <= found.latest
