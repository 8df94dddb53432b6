"""Tests of bench.times.measure on a small district: learning does what it is for."""

from pathlib import Path

import pytest

from bench.demo.district.instance import read
from bench.times.measure import CASES, figures, slow_rides, unstated

SMALL = Path(__file__).parents[2] / "data" / "small-district"


def test_slow_rides_are_learned() -> None:
    """Far fewer promises are late than of a node that believes its configuration."""
    instance = read(SMALL)
    configured, learned = (slow_rides([instance], learn)["first 200 deliveries"] for learn in (False, True))
    assert configured.promises > 20
    assert learned.late_percent < configured.late_percent / 2


def test_preparation_is_learned() -> None:
    """Where no preparation time is stated, fewer promises are late on the second day, and most drop-offs are in the
    interval."""
    instance = read(SMALL)
    configured, learned = (unstated([instance], learn)["second day"] for learn in (False, True))
    assert learned.late_percent <= configured.late_percent
    assert learned.inside_percent > 50


def test_of_nothing_all_is_nothing() -> None:
    """No promise, no figure; every case has a name."""
    assert figures([]).late_percent == 0.0
    assert len(CASES) == 5


@pytest.mark.parametrize("learn", [False, True])
def test_the_same_days_give_the_same_figures(learn: bool) -> None:
    """Nothing in it is random but by its seed."""
    instance = read(SMALL)
    assert unstated([instance], learn, 0.5) == unstated([instance], learn, 0.5)
