"""Tests of edge.clock."""

import time

from edge.clock import DOWNTIME_S_MAX, Clock
from edge.core.model import Now


def test_time_goes_forward():
    """Two readings never go backwards on the monotonic clock, and the wall clock is the system's."""
    clock = Clock()
    first, second = clock.now(), clock.now()
    assert second.mono >= first.mono
    assert abs(second.wall_ms - time.time() * 1000) < 5_000


def test_a_scaled_clock_agrees_in_every_process():
    """The scaled wall clock depends on the anchors only: two clocks made at different times agree."""
    anchors = (1_000_000_000_000, int(time.time() * 1000) - 1_000)
    one = Clock(1_000.0, *anchors)
    time.sleep(0.01)
    other = Clock(1_000.0, *anchors)
    assert abs(one.now().wall_ms - other.now().wall_ms) < 60_000
    assert one.now().wall_ms >= 1_000_000_000_000 + 1_000_000


def test_scaled_monotonic_time_runs_faster():
    """At a speed of 1,000 ten real milliseconds are at least ten scaled seconds, and real_s is the way back."""
    clock = Clock(1_000.0, 1_000_000_000_000, int(time.time() * 1000))
    before = clock.now().mono
    time.sleep(0.01)
    assert clock.now().mono - before >= 10.0
    assert clock.real_s(60.0) == 0.06


def test_monotonic_time_goes_on_after_a_restart():
    """After a restart the clock continues behind the journal's last instant, by the time away."""
    clock = Clock()
    away = Now(500.0, int(time.time() * 1000) - 30_000)
    clock.resume(away)
    assert 530.0 <= clock.now().mono < 535.0


def test_a_jump_of_the_wall_clock_is_not_believed():
    """A wall clock that fell back, or leapt ten years, neither turns monotonic time back nor sends it ten years on."""
    clock = Clock()
    clock.resume(Now(500.0, int(time.time() * 1000) + 3_600_000))
    assert 500.0 <= clock.now().mono < 505.0
    clock.resume(Now(500.0, int(time.time() * 1000) - 10 * 365 * 86_400_000))
    assert clock.now().mono <= 500.0 + DOWNTIME_S_MAX + 5.0
