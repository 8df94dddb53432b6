"""The core at a size."""

import os

import pytest

from bench.scale.core import Core, resident_mb, run
from edge.errors import DoorstepError


def test_a_point_has_what_was_asked_for() -> None:
    """So many riders and orders, and as many timed orders as wanted."""
    found = run(riders=30, carried=5, waiting=3, orders=12, seed=1)
    assert (found["riders"], found["carried"], found["waiting"]) == (30, 5, 3)
    assert 0 < found["decide_ms"]["p50"] <= found["decide_ms"]["max"]


def test_waiting_orders_stay_open_and_timed_ones_do_not() -> None:
    """Every timed order is delivered before the next, so that the size stays what it is."""
    core = Core(1)
    core.riders(30)
    core.carried(5)
    core.waiting(3)
    for number in range(10):
        assert core.timed(number) > 0
        assert core.orders_open == 8


def test_too_few_riders_are_reported() -> None:
    """Orders under way need riders who carry them."""
    core = Core(1)
    core.riders(3)
    with pytest.raises(DoorstepError, match="more riders"):
        core.carried(4)


def test_resident_memory_is_read_as_megabytes() -> None:
    """Of this process, by either name."""
    assert 5 < resident_mb() < 100_000
    assert abs(resident_mb(os.getpid()) - resident_mb()) < 50
