"""Periods: every instant is in one of each tier, days are whole hours, and pieces cover a stretch once."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.store.tiers import BUCKETS, DAY_MS, HOUR_MS, MINUTE_MS, TIERS, Calendar, bit_of, bucket_of, zone

START = 1_767_225_600_000
ZONES = ["UTC", "Asia/Shanghai", "Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo"]
CALENDARS = {name: Calendar(name) for name in ZONES}
INSTANTS = st.integers(1_400_000_000, 1_900_000_000).map(lambda s: s * 1000)


@given(st.sampled_from(ZONES), INSTANTS)
def test_an_hour_is_in_one_day(name: str, at: int) -> None:
    """A period begins at or before its instants, its beginning is in itself, and an hour's day is its minutes' day."""
    calendar = CALENDARS[name]
    for tier, longest in (("minute", MINUTE_MS), ("hour", HOUR_MS), ("day", 25 * HOUR_MS)):
        start = calendar.start(tier, at)
        assert at - longest < start <= at
        assert calendar.start(tier, start) == start
    assert calendar.day(calendar.hour(at)) == calendar.day(at)


def test_a_day_begins_at_midnight_of_the_zone() -> None:
    """Also where the clock is changed on that day."""
    york = CALENDARS["America/New_York"]
    for month, day, hour in ((1, 15, 5), (3, 8, 5), (3, 9, 4), (11, 1, 4), (11, 2, 5)):
        midnight = int(datetime(2026, month, day, hour, tzinfo=UTC).timestamp() * 1000)
        assert york.day(midnight) == midnight
        assert york.day(midnight + 20 * HOUR_MS) == midnight
        assert york.day(midnight - 1) < midnight
        assert york.ceiling("day", midnight - 1) == midnight


@given(
    st.sampled_from(ZONES),
    INSTANTS,
    st.integers(1, 5 * DAY_MS),
    st.integers(-3 * DAY_MS, 5 * DAY_MS),
    st.integers(0, 5 * DAY_MS),
)
def test_pieces_cover_a_stretch_once(name: str, start: int, length: int, minutes_from: int, before: int) -> None:
    """Neither a gap nor an overlap between the pieces, each made of whole periods where finer ones exist."""
    calendar = CALENDARS[name]
    end, kept = start + length, {"minute": start + minutes_from, "hour": start + minutes_from - before}
    pieces = calendar.pieces(start, end, kept)
    assert [piece.start for piece in pieces] == [start, *(piece.end for piece in pieces[:-1])]
    assert pieces[-1].end == end
    for piece in pieces:
        assert piece.start < piece.end
        if piece.tier != "day":
            assert piece.start >= kept[piece.tier]
        if piece.tier != "minute" and piece.start > max(kept.values()) + DAY_MS:
            assert calendar.start(piece.tier, piece.start) == piece.start
            assert calendar.start(piece.tier, piece.end) == piece.end


def test_thirty_days_are_read_as_days() -> None:
    """What is asked for most is not added up from minutes."""
    pieces = CALENDARS["Asia/Shanghai"].pieces(START - 1, START - 1 + 30 * DAY_MS, {})
    assert [piece.tier for piece in pieces] == ["minute", "hour", "day", "hour", "minute"]
    assert sum((piece.end - piece.start) // DAY_MS for piece in pieces if piece.tier == "day") == 29
    assert set(TIERS) == {piece.tier for piece in pieces}


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_nodes_of_a_bucket_have_bits_of_their_own(first: int, second: int) -> None:
    """So that nodes can be counted without their names."""
    assert 0 <= bucket_of(first) < BUCKETS
    if first != second:
        assert (bucket_of(first), bit_of(first)) != (bucket_of(second), bit_of(second))


def test_a_zone_that_does_not_exist_is_named() -> None:
    """With what was asked for."""
    assert zone("UTC") is UTC
    for name in ("Mars/Phobos", "../etc/passwd", ""):
        with pytest.raises(ValueError, match="is no time zone"):
            zone(name)
