"""Tests of edge.scenarios.dispatch.times.kitchens: what a shop's pickups teach about the next one."""

import random

import pytest

from edge.scenarios.dispatch.times import kitchens
from edge.scenarios.dispatch.times.learned import Errors, Mean, correction

NOON, EVENING = 6, 9


def learned(labels: list[float], stated: bool = False, band: int = NOON, exact: bool = True) -> tuple[Errors, Errors]:
    """A shop with these labels, on one day, and its node."""
    shop, node = Errors(), Errors()
    for label in labels:
        kitchens.learn(shop, node, stated, label, exact, band)
    return shop, node


def test_a_shop_is_learned() -> None:
    """Its labels, not those of another shop at the same node; an unknown shop is like the mean of the node."""
    shop, node = learned([600.0] * 40)
    other = Errors()
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


def test_orders_that_waited_keep_the_balance() -> None:
    """Riders come when an order is expected: late ones are seen exactly, of early ones only that they are early. What
    is learned stays in the middle, rather than drift to the late ones."""
    lots = random.Random(3)
    shop, node = Errors(), Errors()
    for _ in range(600):
        ready = lots.gauss(400, 200)
        comes = correction(shop, node, False, NOON)
        kitchens.learn(shop, node, False, max(ready, comes), ready > comes, NOON)
    assert correction(shop, node, False, NOON) == pytest.approx(450, abs=110)


@pytest.mark.parametrize(
    ("seen_s", "exact", "of_stated", "of_unstated"),
    [
        (100, True, 100, 100),
        (-100, True, -100, -100),
        (86_400, True, 600, 1_200),  # a forgotten order, CLIP scales
        (-86_400, True, -600, -1_200),
        (-100, False, -142, -310),  # early, and the mean size of an error before
        (-86_400, False, -642, -1_410),
        (0, False, -42, -210),
        (20, False, -32, -200),
        (84, False, 0, -168),
        (500, False, 0, 0),  # a late rider teaches nothing
    ],
)
def test_a_first_label(seen_s: float, exact: bool, of_stated: float, of_unstated: float) -> None:
    """Shop, band and node have it as it was seen, within bounds; the size of errors has only what was seen exactly."""
    for stated, label in ((True, of_stated), (False, of_unstated)):
        shop, node = learned([seen_s], stated, exact=exact)
        assert [each.value for each in (shop.mean, shop.bands[NOON], node.mean)] == pytest.approx([label] * 3)
        assert [(each.size.n, each.size.value) for each in (shop, node)] == [(1, abs(label)) if exact else (0, 0)] * 2


def test_the_spread_is_shrunk() -> None:
    """A shop's towards the node's, the node's towards where it begins."""
    node, shop = Errors(Mean(), Mean(4, 100.0), {}), Errors(Mean(), Mean(4, 20.0), {})
    assert [kitchens.spread(None, node, stated) for stated in (True, False)] == [80, 200]
    assert kitchens.spread(shop, node, True) == 50
