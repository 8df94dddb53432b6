"""What of a batch's windows is stored: no place that stands for too few, nothing that lies ahead, no more rows in a day
than a node may write. Pure.

What an honest node with another setting or another clock sends is stored in a form that does no harm, with an alarm: a
refusal would keep everything behind it waiting, and a batch never changes.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, cast

import h3.api.basic_int
import msgspec
from msgspec import Struct

from edge.errors import Reason
from edge.limits import CLOCK_WALL_MS_MIN, WINDOW_AHEAD_S_MAX, WINDOW_S
from edge.messages.batches import Cell, Window, withhold_cells
from edge.messages.sync.report import NodeReport

from .verify import BAD_BODY, Alarm, BatchError, NodeRecord, progress

CELL_RESOLUTIONS: Final = range(4, 11)
"""Those that a node's `cell_resolution` can be; the finest is about 130 m across."""

DAY_MS: Final = 86_400_000

_WINDOW_MS: Final = WINDOW_S * 1000
_h3: Final = cast(Any, h3.api.basic_int)


class Bounds(Struct, frozen=True, kw_only=True):
    """What a node may send. A count of a place is of `k_anonymity` events at least; a day is one of UTC."""

    k_anonymity: int
    rows_per_day_max: int


class Admitted(Struct, frozen=True):
    """The windows to be stored, the node's record with their rows, and an alarm for the operator."""

    windows: list[Window]
    record: NodeRecord
    alarm: Alarm | None


def admit(
    record: NodeRecord, windows: list[Window], bounds: Bounds, at: int, report: NodeReport | None = None
) -> Admitted:
    """What is stored of the windows that `record`'s node sent at `at` (Unix ms), with its report. Raises BatchError."""
    for window in windows:
        for cell in window.cells:
            _check(cell)
    alarm: Alarm | None = None
    coarse = [withhold_cells(window, bounds.k_anonymity) if window.cells else window for window in windows]
    if coarse != windows:
        detail = f"Counts of places below k_anonymity of this centre ({bounds.k_anonymity}) are kept without the place."
        alarm = Alarm("below_k", f"{detail} Raise k_anonymity of the node, or lower it here.")
    kept = [_not_ahead(window, at) for window in coarse]
    if kept != coarse:
        detail = "Windows that end more than a day ahead count in the minute in which they came: set the node's clock."
        alarm = Alarm("clock_ahead", detail)
    rows = sum(1 + len(window.counters) + len(window.measures) + len(window.cells) for window in kept)
    changes = progress(record, kept, report, at)
    return Admitted(kept, with_rows(record, rows, bounds, at, changes), alarm)


def _check(cell: Cell) -> None:
    if not _h3.is_valid_cell(cell.cell):
        raise BatchError(BAD_BODY, f"{cell.cell} is no H3 cell.")
    if (resolution := _h3.get_resolution(cell.cell)) not in CELL_RESOLUTIONS:
        raise BatchError(BAD_BODY, f"A cell has resolution {resolution}. Set cell_resolution of the node to 4 to 10.")
    if cell.start > cell.end:
        raise BatchError(BAD_BODY, f"The cell {cell.cell:x} ends before it begins.")


def _not_ahead(window: Window, at: int) -> Window:
    """A window that ends, with its cells, at most WINDOW_AHEAD_S_MAX after `at` (Unix ms): one further ahead comes from
    a wrong clock, and would never grow old. (Where the centre's own clock was never set, none is.)"""
    end = max([window.end, *(cell.end for cell in window.cells)])
    if end <= at + WINDOW_AHEAD_S_MAX * 1000 or at < CLOCK_WALL_MS_MIN:
        return window
    start = at - at % _WINDOW_MS
    cells = {(cell.cell, cell.name): 0 for cell in window.cells}
    for cell in window.cells:
        cells[cell.cell, cell.name] += cell.count
    moved = [Cell(*key, start, start + _WINDOW_MS, count) for key, count in sorted(cells.items())]
    return msgspec.structs.replace(window, start=start, width_s=WINDOW_S, cells=moved)


def with_rows(
    record: NodeRecord, rows: int, bounds: Bounds, at: int, changes: Mapping[str, Any] = MappingProxyType({})
) -> NodeRecord:
    """The record after so many more rows, counted from midnight (UTC), and these `changes`. Raises BatchError where
    there are too many."""
    day = at // DAY_MS
    written = record.rows_today if record.day == day else 0
    if written + rows > bounds.rows_per_day_max:
        detail = f"The node has written {written} rows today, and rows_per_day_max of this centre is"
        again = "More are taken from midnight on (UTC); the node keeps them."
        raise BatchError(Reason.OVER_QUOTA, f"{detail} {bounds.rows_per_day_max}. {again}")
    return msgspec.structs.replace(record, day=day, rows_today=written + rows, **changes)
