"""Tests of bench.whatif.change: what can be asked, and what it makes of a day."""

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.whatif.change import Change, ChangeError, changed, parse
from bench.whatif.day import Reply, Request
from edge.scenarios.dispatch.messages.overrides import RiderPause
from edge.scenarios.dispatch.state.riders import RIDERS_MAX
from tests.bench.whatif.recorded_day import T0, day, order, shift

RIDERS = [shift(f"r-{number}", from_s=number * 600) for number in range(1, 9)]


def test_changes_are_read_as_they_are_written() -> None:
    """The text of a change reads back as itself."""
    changes = parse(["riders=+2", "kitchen=-20%"])
    assert changes == [Change("riders", 2), Change("kitchen", -20)]
    assert parse([str(change) for change in changes]) == changes


@pytest.mark.parametrize(
    ("texts", "hint"),
    [
        (["riders=2"], "riders=+2"),
        (["cooks=+2"], "is no change"),
        (["riders=+1.5"], "is no change"),
        (["riders=+10%"], "counted"),
        (["riders=+999999999"], "at most"),
        (["kitchen=+20"], "kitchen=+20%"),
        (["kitchen=-95%"], "-90%"),
        (["kitchen=+901%"], "900%"),
        (["riders=+1", "riders=-1"], "twice"),
        ([""], "is no change"),
    ],
)
def test_an_invalid_change_is_refused_with_a_valid_one(texts: list[str], hint: str) -> None:
    """Each refusal names a valid change."""
    with pytest.raises(ChangeError, match=re.escape(hint)):
        parse(texts)


@pytest.mark.parametrize("change", ["riders=-8", "riders=-9", f"riders=+{RIDERS_MAX - 7}"])
def test_a_change_that_the_day_cannot_take_is_refused(change: str) -> None:
    """No rider left, or more riders than a node can have."""
    with pytest.raises(ChangeError, match="fewer"):
        changed(day([order(1)], RIDERS), parse([change]))


def test_nobody_can_be_doubled_where_nobody_was() -> None:
    """A day without shifts has no model for a new rider."""
    with pytest.raises(ChangeError, match="no rider to double"):
        changed(day([order(1)], []), parse(["riders=+1"]))


def test_new_riders_are_doubles_spread_over_the_day() -> None:
    """Two more of eight are doubles of the third and the seventh, with their shifts, and answers from the middle on."""
    replies = (Reply("accept", 1), Reply("decline", 2), Reply("lapse", 0))
    before = day([order(1)], RIDERS, replies={"r-3": replies}, silences={"r-3": ((T0, T0 + 5),)})
    after = changed(before, parse(["riders=+2"]))
    assert [one.rider for one in after.shifts[8:]] == ["what-if-1", "what-if-2"]
    assert [one.on_ms for one in after.shifts[8:]] == [RIDERS[2].on_ms, RIDERS[6].on_ms]
    assert after.replies["what-if-1"] == (replies[1], replies[2], replies[0])
    assert after.silences["what-if-1"] == ((T0, T0 + 5),)
    again = changed(after, parse(["riders=+1"]))
    assert len(set(again.riders())) == 11


@given(st.integers(1, 8), st.integers(1, 7))
def test_counts_come_out_right(more: int, fewer: int) -> None:
    """So many more, so many fewer, whoever it is; what stays is as it was."""
    before = day([order(1)], RIDERS)
    assert len(changed(before, [Change("riders", more)]).riders()) == 8 + more
    left = changed(before, [Change("riders", -fewer)])
    assert len(left.riders()) == 8 - fewer
    assert all(each in before.shifts for each in left.shifts)


@given(st.integers(-90, 900))
def test_a_kitchen_changes_in_everything(percent: int) -> None:
    """All its times are scaled from when the order was placed; nothing else changes."""
    one = order(1, at_s=50, ready_s=1000, delays=((T0 + 250_000, T0 + 1_050_000),))
    (after,) = changed(day([one], RIDERS), [Change("kitchen", percent)]).orders
    assert after.expected_ms - one.placed_ms == after.ready_ms - one.placed_ms == 10_000 * (100 + percent)
    assert after.delays == ((one.placed_ms + 2_000 * (100 + percent), after.ready_ms),)
    same = {"expected_ms": one.expected_ms, "ready_ms": one.ready_ms, "delays": one.delays}
    assert msgspec.structs.replace(after, **same) == one


def test_a_break_goes_with_its_rider() -> None:
    """A copy of a rider has its breaks, and who is removed leaves none behind."""
    pause = Request(T0, "desk", RiderPause(id="e", at=T0, rider="r-1"))
    made = day([order(1)], [shift("r-1")], requests=(pause,))
    more = changed(made, [Change("riders", 1)])
    assert [(one.client, one.body.rider) for one in more.requests if isinstance(one.body, RiderPause)] == [
        ("desk", "r-1"),
        ("what-if-1", "what-if-1"),
    ]
    fewer = changed(more, [Change("riders", -1)])
    left = {one.rider for one in fewer.shifts}
    assert {one.body.rider for one in fewer.requests if isinstance(one.body, RiderPause)} == left
