"""Tests of edge.scenarios.dispatch.times.kitchens: what a shop's pickups teach about the next one."""

import random

import pytest

from edge.scenarios.dispatch.times import kitchens
from edge.scenarios.dispatch.times.kitchens import CLIP, CLIP_S_MIN
from edge.scenarios.dispatch.times.learned import Errors, correction

NOON, EVENING = 6, 9


def learned(labels: list[float], stated: bool = False, band: int = NOON, exact: bool = True) -> tuple[Errors, Errors]:
    """A shop with these labels, on one day, and its node."""
    shop, node = Errors.empty(), Errors.empty()
    for label in labels:
        kitchens.learn(shop, node, stated, label, exact, band)
    return shop, node


def test_nothing_learned_corrects_nothing() -> None:
    """Neither of a shop that is known, nor of one that is not."""
    for shop in (None, Errors.empty()):
        assert correction(shop, Errors.empty(), False, NOON) == 0.0


def test_a_shop_is_learned() -> None:
    """Its labels, not those of another shop at the same node; an unknown shop is like the mean of the node."""
    shop, node = learned([600.0] * 40)
    other = Errors.empty()
    for _ in range(40):
        kitchens.learn(other, node, False, -300.0, True, NOON)
    assert correction(shop, node, False, NOON) == pytest.approx(600, abs=30)
    assert correction(other, node, False, NOON) == pytest.approx(-300, abs=60)
    assert -300 < correction(None, node, False, NOON) < 600


def test_hours_differ() -> None:
    """A band that was seen has its own time, one that was not that of the shop."""
    shop, node = learned([0.0] * 40)
    for _ in range(40):
        kitchens.learn(shop, node, False, 600.0, True, EVENING)
    at_noon, in_the_evening = (correction(shop, node, False, band) for band in (NOON, EVENING))
    assert in_the_evening > 500
    assert at_noon < 100
    assert at_noon < correction(shop, node, False, 0) <= in_the_evening


def test_what_is_stated_is_believed_at_first() -> None:
    """One late order moves what is stated less than what is not; forty of them move it whole."""
    late = 200.0
    stated, unstated = (correction(*learned([late], stated), stated, NOON) for stated in (True, False))
    assert stated < unstated
    assert correction(*learned([late] * 40, True), True, NOON) == pytest.approx(late, abs=20)


def test_one_forgotten_order_teaches_little() -> None:
    """An order that is ready a day late counts as CLIP scales."""
    shop, node = learned([0.0] * 30)
    scale = kitchens.spread(shop, node, False)
    kitchens.learn(shop, node, False, 86_400.0, True, NOON)
    assert correction(shop, node, False, NOON) <= 3 * max(CLIP * scale, CLIP_S_MIN) / 30


def test_orders_that_waited_keep_the_balance() -> None:
    """Riders come when an order is expected: late ones are seen exactly, of early ones only that they are early. What
    is learned stays in the middle, rather than drift to the late ones."""
    lots = random.Random(3)
    shop, node = Errors.empty(), Errors.empty()
    for _ in range(600):
        ready = lots.gauss(400, 200)
        comes = correction(shop, node, False, NOON)
        kitchens.learn(shop, node, False, max(ready, comes), ready > comes, NOON)
    assert correction(shop, node, False, NOON) == pytest.approx(450, abs=110)


def test_a_late_rider_teaches_nothing_about_the_kitchen() -> None:
    """Food that was ready at some time long after it was expected may have been ready when it was expected."""
    shop, node = learned([300.0] * 30)
    before = correction(shop, node, False, NOON)
    kitchens.learn(shop, node, False, 10_000.0, False, NOON)
    assert correction(shop, node, False, NOON) == pytest.approx(before)
