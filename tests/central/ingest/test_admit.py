"""Tests of central.ingest.admit: what is stored of an honest node with other settings, and what is refused."""

from typing import Any

import h3.api.basic_int as h3
import msgspec
import pytest

from central.ingest.admit import DAY_MS, Bounds, admit
from central.ingest.verify import BatchError, NodeRecord
from edge.limits import WINDOW_AHEAD_S_MAX
from edge.messages.batches import Cell, Window

START = 1_767_225_600_000
BOUNDS = Bounds(k_anonymity=5, rows_per_day_max=10)
RECORD = NodeRecord(node="n1", instance="i1", boot="b1", epoch=1)
CELL = h3.latlng_to_cell(31.2, 121.5, 8)


def window(cells: list[Cell], **change: Any) -> Window:
    return msgspec.structs.replace(Window("dispatch", START, 60, 9, {"x": 9}, {}, cells), **change)


def cell(count: int, resolution: int = 8, **change: Any) -> Cell:
    place = h3.latlng_to_cell(31.2, 121.5, resolution)
    return msgspec.structs.replace(Cell(place, "x", START, START + 60_000, count), **change)


@pytest.mark.parametrize("resolution", range(4, 11))
def test_what_a_node_with_the_same_settings_sends_is_stored_as_it_is(resolution: int) -> None:
    """No change and no alarm, at each resolution that a node can have; its rows are counted."""
    windows = [window([cell(5, resolution)])]
    admitted = admit(RECORD, windows, BOUNDS, START)
    assert (admitted.windows, admitted.alarm) == (windows, None)
    assert (admitted.record.day, admitted.record.rows_today) == (START // DAY_MS, 3)


def test_a_place_of_too_few_counts_without_the_place() -> None:
    """Below the threshold of this centre the count is withheld, the others stay, and the operator learns of it."""
    few, enough = cell(4), cell(5, name="y")
    admitted = admit(RECORD, [window([few, enough])], BOUNDS, START)
    assert admitted.windows == [window([enough], counters={"withheld.x": 4, "x": 9})]
    assert admitted.alarm is not None
    assert (admitted.alarm.kind, "k_anonymity" in admitted.alarm.detail) == ("below_k", True)


@pytest.mark.parametrize(
    ("ahead_ms", "moved"),
    [(WINDOW_AHEAD_S_MAX * 1000, False), (WINDOW_AHEAD_S_MAX * 1000 + 1, True), (START, False)],
    ids=["a day", "more", "a clock that was never set"],
)
def test_a_window_ahead_counts_when_it_came(ahead_ms: int, moved: bool) -> None:
    """A window that ends more than a day from now counts in the present minute, its places too: totals stay exact."""
    at = START + 60_000 - ahead_ms
    sent = window([cell(5), cell(6, start=START - 60_000)])
    admitted = admit(RECORD, [sent], BOUNDS, at)
    if not moved:
        assert (admitted.windows, admitted.alarm) == ([sent], None)
        return
    now = at - at % 60_000
    assert admitted.windows == [window([Cell(CELL, "x", now, now + 60_000, 11)], start=now)]
    assert admitted.alarm is not None
    assert admitted.alarm.kind == "clock_ahead"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (cell(5, 3), "resolution 3"),
        (cell(5, 11), "resolution 11"),
        (cell(5, cell=12345), "no H3 cell"),
        (cell(5, end=START - 1), "ends before"),
    ],
)
def test_what_no_node_sends_is_refused(wrong: Cell, words: str) -> None:
    """Places that are finer or coarser than a node can be set to, or none, are not taken."""
    with pytest.raises(BatchError, match=words) as refused:
        admit(RECORD, [window([wrong])], BOUNDS, START)
    assert refused.value.reason == "bad_body"


def test_rows_of_a_day_are_bounded_and_begin_anew_at_midnight() -> None:
    """Beyond the bound a batch is refused with when it is taken; the next day counts from nothing."""
    record = RECORD
    for _ in range(5):
        record = admit(record, [window([])], BOUNDS, START).record
    with pytest.raises(BatchError, match=r"midnight.*UTC") as refused:
        admit(record, [window([])], BOUNDS, START + DAY_MS - 1)
    assert refused.value.reason == "over_quota"
    assert admit(record, [window([])], BOUNDS, START + DAY_MS).record.rows_today == 2
