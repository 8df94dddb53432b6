"""Slices, ratios and growth on numbers whose answer is known."""

import numpy as np
import pytest

from bench.outage.figures import SLICE_ORDERS, cpu_us, growths, quantiles, ratio, slices_p99
from bench.outage.outages import Outage
from bench.outage.watch import Sample

HOUR_MS = 3_600_000


def test_one_bad_second_does_not_move_the_ratio() -> None:
    """A stall that fills one slice leaves the median of slices where it was; twice as slow is twice."""
    dice = np.random.default_rng(3)
    calm = dice.exponential(1.0, 20 * SLICE_ORDERS)
    stalled = calm.copy()
    stalled[:100] += 500
    found = ratio(slices_p99(stalled), slices_p99(calm))
    assert found is not None
    assert found[0] == pytest.approx(1.0, abs=0.05)
    assert found[1] <= found[0] <= found[2]
    doubled = ratio(slices_p99(2 * calm), slices_p99(calm))
    assert doubled is not None
    assert doubled[0] == pytest.approx(2.0)


def test_a_few_orders_are_held_against_as_few() -> None:
    """The p99 of 20 orders is their slowest: against slices of 250 such drains would look quicker than they are."""
    dice = np.random.default_rng(4)
    calm = dice.exponential(1.0, 20_000)
    drains = np.array([dice.exponential(1.0, 20).max() for _ in range(400)])
    equal, unequal = ratio(drains, slices_p99(calm, 20)), ratio(drains, slices_p99(calm))
    assert equal is not None
    assert unequal is not None
    assert equal[0] == pytest.approx(1.0, abs=0.1)
    assert unequal[0] < 0.85


def test_orders_without_a_rider_are_counted_and_not_measured() -> None:
    """NaN is an order that nobody got; nothing at all gives no ratio, and no error."""
    found = quantiles(np.array([1.0, np.nan, 3.0]))
    assert (found["orders"], found["max"]) == (3, 3.0)
    assert quantiles(np.zeros(0))["orders"] == 0
    assert ratio(slices_p99(np.zeros(0)), np.ones(5)) is None
    assert len(slices_p99(np.full(4, np.nan))) == 0


def test_a_backlog_that_flattens_shows() -> None:
    """1,000 bytes an hour in the first tenth, 10 in the last half."""
    samples = [sample(hour, 1000 * min(hour, 10) + 10 * max(hour - 10, 0)) for hour in range(101)]
    outage = Outage(
        quiet_at=-1.0,
        cut_at=0.0,
        restored_at=100.0,
        connected_at=101.0,
        drained_at=102.0,
        windows=1,
        events=1,
        backlog_bytes=1,
        outbox_disk_bytes=1,
        batches=1,
    )
    assert growths(samples, outage) == {"first_tenth_bytes_per_h": 1000.0, "last_half_bytes_per_h": 10.0}


def test_processor_time_is_that_of_the_phases_alone() -> None:
    """10 ms for 10 events in each second; a phase without events costs nothing."""
    samples = [sample(hour, 0) for hour in range(30)]
    assert cpu_us(samples, [(2.0, 8.0), (20.0, 25.0)]) == 1000.0
    assert cpu_us(samples, [(2.0, 2.5)]) == 0.0


def sample(hour: int, backlog_bytes: int) -> Sample:
    """One real second is an hour of the day."""
    return Sample(
        at=float(hour),
        wall_ms=hour * HOUR_MS,
        connected=False,
        backlog_bytes=backlog_bytes,
        windows=1,
        in_flight=0,
        batches_acked=0,
        events=10 * hour,
        events_acked=0,
        cpu_s=hour / 100,
        rss_mb=1.0,
        disk_bytes=1,
    )
