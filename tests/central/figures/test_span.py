"""Stretches of time begin with a whole period of the centre's zone, and end now."""

import pytest

from central.figures.span import PERIODS_MAX, RANGES, latest
from central.store.tiers import Calendar

NOW = 1_767_225_600_000 + 5 * 3_600_000 + 61_000
"""2026-01-01T05:01:01Z."""


@pytest.mark.parametrize("name", RANGES)
def test_a_range_begins_with_a_whole_period(name: str) -> None:
    """At most one period more than asked for, and few enough to be drawn."""
    calendar = Calendar("Asia/Shanghai")
    span = latest(calendar, name, NOW)
    length, tier = RANGES[name]
    assert span.start == calendar.start(tier, span.start)
    assert span.end == NOW + 1
    assert span.start <= NOW - length
    assert span.periods <= PERIODS_MAX


def test_nothing_is_before_1970() -> None:
    """A clock that was never set asks for nothing impossible."""
    assert latest(Calendar("UTC"), "90d", 1000).start == 0
