"""Where riders are: columns in memory, never written anywhere. Only whole seconds of travel and of age leave it.

Rows are kept in two parts, those of riders who can be offered something in front, so that a look at all of them is a
handful of operations on contiguous columns. Times are whole milliseconds of the monotonic clock.

A column is an array of plain Python, with a numpy view on the same memory: one value at a time, as events and swaps
want it, costs 30 ns there and 100 in numpy (a swap of two rows 2 us instead of 21); all at once is numpy's.
"""

import math
from array import array
from collections.abc import Collection, MutableSequence, Sequence
from math import ceil, sqrt
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ....core.model import Now
from ....limits import EARLY_POSITIONS_MAX, GONE_S_MAX, GRID_RIDERS_MIN, REDECIDE_S, RIDERS_MAX, WALL_SKEW_MS_MAX
from ..options import DispatchOptions
from ..records import RiderDistance
from .nearest_each import HALF_METRE, MERIDIAN_DEG, Found, nearest_of_each
from .spatial_index import SpatialIndex
from .travel import METRES_PER_DEG

NEVER: Final = -(1 << 60)
_ROWS_MIN: Final = 64
_FAR: Final = 1 << 60

_FEW: Final = 24
"""Riders up to whom one after the other is faster than numpy."""


def milliseconds(now: Now) -> int:
    """The monotonic clock in whole milliseconds."""
    return round(now.mono * 1000)


class Positions:
    """The table. A rider has a row from the beginning of its shift until it has gone home with nothing in hand."""

    def __init__(self, rules: DispatchOptions) -> None:
        self._rules = rules
        self._row: dict[str, int] = {}
        self._names: list[str] = []
        self._ready = 0
        self._make(_ROWS_MIN)
        self._grid: SpatialIndex | None = None
        """Only while there are many riders: keeping it costs 1 us with each position."""
        self._early: dict[str, tuple[int, float, float]] = {}
        self.dropped = {"not_on_shift": 0, "out_of_order": 0, "too_many_riders": 0}
        """Positions that no decision can see, by reason; the last one of a rider whose shift begins later is kept."""
        self._begun_ms: int | None = None
        self._silence_ms = 0
        self._oldest_ms = _FAR
        """No position of those who can be offered something is older: a bound, so that ages are looked at seldom."""
        self._changed = False
        self._retry_ms = 0

    # -- what is known of riders ---------------------------------------------------------------------------------------

    def enter(self, rider: str, now_ms: int) -> None:
        """A rider begins a shift. Its latest position may have come a moment before."""
        if rider not in self._row:
            row = len(self._names)
            if row >= RIDERS_MAX:
                self.dropped["too_many_riders"] += 1
                return
            if row >= len(self._at):
                self._grow()
            self._row[rider] = row
            self._names.append(rider)
            self._at[row] = self._contact[row] = self._gone[row] = NEVER
            self._idle[row] = self._on[row] = self._quiet[row] = False
        self.touch(rider, now_ms)
        early = self._early.pop(rider, None)
        if early is not None:
            self.put(rider, *early)

    def leave(self, rider: str) -> None:
        """The rider is gone: its row is cleared."""
        row = self._row.get(rider)
        if row is None:
            return
        self._idle[row] = self._on[row] = self._quiet[row] = False
        self._sort(rider, row)
        last = len(self._names) - 1
        self._swap(self._row[rider], last)
        self._lat[last] = self._lon[last] = 0.0
        del self._row[rider]
        self._names.pop()

    def flag(self, rider: str, idle: bool, on: bool) -> None:
        """Whether the rider can be offered something now, and whether it is on shift and must stay in contact."""
        row = self._row.get(rider)
        if row is None:
            return
        self._idle[row] = idle
        if on and not self._on[row]:
            self._watch(self._contact[row] + self._rules.silent_s * 1000)
        self._on[row] = on
        self._sort(rider, row)

    def mark_silent(self, rider: str) -> None:
        """The rider counts as silent until it sends something."""
        row = self._row.get(rider)
        if row is not None:
            self._quiet[row] = True
            self._sort(rider, row)

    def touch(self, rider: str, now_ms: int) -> None:
        """Something came from the rider."""
        row = self._row.get(rider)
        if row is None:
            return
        if now_ms > self._contact[row]:
            self._contact[row] = now_ms
        self._gone[row] = NEVER
        if self._quiet[row]:
            self._quiet[row] = False
            self._watch(now_ms + self._rules.silent_s * 1000)
            self._sort(rider, row)
            self._changed = True

    def disconnected(self, rider: str, now_ms: int) -> None:
        """The rider's last connection went."""
        row = self._row.get(rider)
        if row is not None and self._gone[row] == NEVER:
            self._gone[row] = now_ms
            self._watch(now_ms + min(self._rules.silent_s, GONE_S_MAX) * 1000)

    def put(self, rider: str, at_ms: int, lat: float, lon: float) -> None:
        """The rider was here then. An older place than the known one is ignored."""
        row = self._row.get(rider)
        if row is None:
            return
        if at_ms < self._at[row]:
            self.dropped["out_of_order"] += 1
            return
        self._at[row] = at_ms
        self._lat[row] = lat
        self._lon[row] = lon
        if row >= self._ready:
            self._sort(rider, row)
        elif self._grid is not None:
            self._grid.put(rider, lat, lon)

    def report_position(self, rider: str, points: list[tuple[int, float, float]], now: Now) -> None:
        """Positions as published, of which the newest counts. A stamp that cannot be right is replaced by now."""
        now_ms = milliseconds(now)
        at, lat, lon = points[-1] if len(points) == 1 else max(points)
        age_ms = now.wall_ms - at
        if age_ms < 0 or age_ms > WALL_SKEW_MS_MAX:
            age_ms = 0
        row = self._row.get(rider)
        if row is None:
            self.dropped["not_on_shift"] += 1
            self._early[rider] = (now_ms - age_ms, lat, lon)
            if len(self._early) > EARLY_POSITIONS_MAX:
                del self._early[next(iter(self._early))]
            return
        stale = self._at[row] < now_ms - self._rules.position_age_s_max * 1000
        self.touch(rider, now_ms)
        self.put(rider, now_ms - age_ms, lat, lon)
        if stale and self._row[rider] < self._ready:
            self._changed = True

    # -- what a round may ask ------------------------------------------------------------------------------------------

    def nearest(self, lat: float, lon: float, limit: int, now_ms: int) -> list[RiderDistance]:
        """The nearest riders who can be offered something, by straight line, ties by name: at most `limit`."""
        oldest = now_ms - self._rules.position_age_s_max * 1000
        few = self._ready <= _FEW
        found = self._among_few(lat, lon, oldest) if few else self._among_many(lat, lon, limit, oldest)
        return self._seen(found, limit, now_ms)

    def nearest_each(
        self, places: Sequence[tuple[float, float]], limit: int, now_ms: int, without: Collection[str] = ()
    ) -> list[list[RiderDistance]]:
        """The same for each of many places, from all riders but those of `without`."""
        count = self._ready
        if not _FEW < count < GRID_RIDERS_MIN:
            more = limit + len(without)
            found = [self.nearest(lat, lon, more, now_ms) for lat, lon in places]
            return [[one for one in seen if one.rider not in without][:limit] for seen in found] if without else found
        oldest = now_ms - self._rules.position_age_s_max * 1000
        reach = (self._rules.radius_m_max / METRES_PER_DEG) ** 2
        hidden = self._old(slice(count), oldest)
        if without:
            hidden = np.zeros(count, np.bool_) if hidden is None else hidden
            hidden[[row for rider in without if (row := self._row.get(rider, count)) < count]] = True
        number = {place: index for index, place in enumerate(dict.fromkeys(places))}
        lats, lons = self._lats[:count], self._lons[:count]
        near = nearest_of_each(list(number), lats, lons, hidden, self._names, limit, reach)
        seen = [self._seen(one, limit, now_ms) for one in near]
        return [seen[number[place]] for place in places]

    def silent(self, now_ms: int) -> list[str]:
        """Riders on shift without contact for too long, by name. Costs nothing before one can be due."""
        if self._begun_ms is None:
            # After a restart everybody gets the full time to come back.
            self._begun_ms = now_ms
            self._silence_ms = 0
        if now_ms < self._silence_ms:
            return []
        count = len(self._names)
        quiet = np.maximum(np.frombuffer(self._contact, np.int64, count), self._begun_ms) + self._rules.silent_s * 1000
        left = np.frombuffer(self._gone, np.int64, count)
        away = np.where(left == NEVER, _FAR, left + min(self._rules.silent_s, GONE_S_MAX) * 1000)
        watched = np.frombuffer(self._on, np.bool_, count) & ~np.frombuffer(self._quiet, np.bool_, count)
        due = np.where(watched, np.minimum(quiet, away), _FAR)
        self._silence_ms = int(due[due > now_ms].min(initial=_FAR))
        return sorted(self._names[int(row)] for row in np.flatnonzero(due <= now_ms))

    def needs_decision(self, now_ms: int) -> bool:
        """Whether riders have come into sight, or it is time to look again. Asking takes note of it."""
        needs_decision = self._changed or now_ms >= self._retry_ms
        if needs_decision:
            self._changed = False
            self._retry_ms = now_ms + REDECIDE_S * 1000
        return needs_decision

    def next_silence_ms(self) -> int | None:
        """When somebody may be silent, at the earliest."""
        return None if self._silence_ms >= _FAR or not self._names else self._silence_ms

    def next_look_ms(self) -> int:
        """When waiting orders want another look."""
        return 0 if self._changed else self._retry_ms

    def configure(self, rules: DispatchOptions) -> None:
        """New rules: every deadline is worked out anew."""
        self._rules = rules
        self._silence_ms = 0
        self._retry_ms = 0

    def place(self, rider: str) -> tuple[float, float, int] | None:
        """Latitude, longitude and when, for the node's own map; None where nothing is known."""
        row = self._row.get(rider)
        if row is None or self._at[row] == NEVER:
            return None
        return self._lat[row], self._lon[row], self._at[row]

    # -- rows ----------------------------------------------------------------------------------------------------------

    def _seen(self, found: Found, limit: int, now_ms: int) -> list[RiderDistance]:
        """What a round gets of them: the nearest first."""
        found.sort()
        at, detour, speed = self._at, self._rules.detour_factor, self._rules.speed_mps
        seen: list[RiderDistance] = []
        for metres, rider, row in found[:limit]:
            age_s = (now_ms - at[row]) // 1000
            seen.append(RiderDistance(rider, ceil(metres * detour / speed), max(0, age_s)))
        return seen

    def _among_few(self, lat: float, lon: float, oldest: int) -> Found:
        """Metres, name and row of everybody in reach, one after the other. For the arithmetic see `_square`."""
        phi = math.radians(lat)
        cosine, slope = math.cos(phi), math.sin(phi) * math.pi / 360
        wraps = abs(lon) > MERIDIAN_DEG
        reach = (self._rules.radius_m_max / METRES_PER_DEG) ** 2
        lats, lons, at, names = self._lat, self._lon, self._at, self._names
        found: Found = []
        for row in range(self._ready):
            if at[row] >= oldest:
                up = lats[row] - lat
                across = lons[row] - lon
                if wraps:
                    across = (across + 180.0) % 360.0 - 180.0
                across *= cosine - up * slope
                square = up * up + across * across
                if square <= reach:
                    found.append((round(sqrt(square) * METRES_PER_DEG), names[row], row))
        return found

    def _among_many(self, lat: float, lon: float, limit: int, oldest: int) -> Found:
        """The same of the nearest `limit`, and of those who are as near in whole metres as the last of them."""
        if self._ready >= GRID_RIDERS_MIN:
            near = self._near(lat, lon, limit, oldest)
            rows, square = near, self._square(near, lat, lon, oldest)
        else:
            rows, square = None, self._square(slice(self._ready), lat, lon, oldest)
        reach = (self._rules.radius_m_max / METRES_PER_DEG) ** 2
        if len(square) > limit:
            ranked = square.copy()
            ranked.partition(limit - 1)
            last = ranked.item(limit - 1)
            if last < reach:
                reach = min(reach, ((round(sqrt(last) * METRES_PER_DEG) + HALF_METRE) / METRES_PER_DEG) ** 2)
        picks = (square <= reach).nonzero()[0]
        squares = square[picks].tolist()
        if rows is not None:
            picks = rows[picks]
        names = self._names
        return [
            (round(sqrt(one) * METRES_PER_DEG), names[row], row)
            for one, row in zip(squares, picks.tolist(), strict=True)
        ]

    def _square(self, rows: slice | NDArray[np.intp], lat: float, lon: float, oldest: int) -> NDArray[np.float64]:
        """Squared distances in degrees of latitude; infinite where the position is too old. Equirectangular about the
        middle latitude, with its cosine to the first order: within 20 km and 75 degrees of latitude that is exact to
        some parts in 100,000."""
        up = self._lats[rows] - lat
        across = self._lons[rows] - lon
        if abs(lon) > MERIDIAN_DEG:
            across = np.remainder(across + 180.0, 360.0) - 180.0
        phi = math.radians(lat)
        across *= math.cos(phi) - up * (math.sin(phi) * math.pi / 360)
        up *= up
        across *= across
        up += across
        old = self._old(rows, oldest)
        if old is not None:
            up[old] = np.inf
        return up

    def _old(self, rows: slice | NDArray[np.intp], oldest: int) -> NDArray[np.bool_] | None:
        """Which of the rows have a position from before `oldest`; None where none has."""
        if oldest <= self._oldest_ms:
            return None
        self._oldest_ms = int(self._ats[: self._ready].min(initial=_FAR))
        return self._ats[rows] < oldest if oldest > self._oldest_ms else None

    def _near(self, lat: float, lon: float, limit: int, oldest: int) -> NDArray[np.intp]:
        """Rows among which the nearest `limit` are: rings of the grid until nobody as near is left outside."""
        if self._grid is None:
            self._grid = SpatialIndex()
            for row in range(self._ready):
                self._grid.put(self._names[row], self._lat[row], self._lon[row])
        rows: list[int] = []
        for rings in self._grid.searches(lat, lon, self._rules.radius_m_max):
            rows.clear()
            last_m = math.inf
            for riders, safe_m in rings:
                rows += [self._row[rider] for rider in riders]
                if riders and len(rows) >= limit:
                    square = self._square(np.array(rows, np.intp), lat, lon, oldest)
                    last_m = float(np.partition(square, limit - 1)[limit - 1]) ** 0.5 * METRES_PER_DEG
                if last_m + 1 <= safe_m:
                    return np.array(rows, np.intp)
        return np.array(rows, np.intp)

    def _watch(self, due_ms: int) -> None:
        """Somebody may be silent then."""
        self._silence_ms = min(self._silence_ms, due_ms)

    def _sort(self, rider: str, row: int) -> None:
        """Puts the row into the part where it belongs."""
        ready = self._idle[row] and not self._quiet[row] and self._at[row] != NEVER
        if ready and row >= self._ready:
            self._oldest_ms = min(self._oldest_ms, self._at[row])
            self._swap(row, self._ready)
            self._ready += 1
            if self._grid is not None:
                row = self._ready - 1
                self._grid.put(rider, self._lat[row], self._lon[row])
        elif not ready and row < self._ready:
            self._ready -= 1
            self._swap(row, self._ready)
            if self._grid is not None:
                self._grid.drop(rider)
                if self._ready < GRID_RIDERS_MIN // 2:
                    self._grid = None

    def _swap(self, a: int, b: int) -> None:
        if a == b:
            return
        for column in self._columns:
            column[a], column[b] = column[b], column[a]
        names = self._names
        names[a], names[b] = names[b], names[a]
        self._row[names[a]], self._row[names[b]] = a, b

    def _make(self, rows: int) -> None:
        """Columns of so many rows."""
        self._lat, self._lon = array("d", bytes(8 * rows)), array("d", bytes(8 * rows))
        self._at = array("q", [NEVER]) * rows
        self._contact = array("q", [NEVER]) * rows
        self._gone = array("q", [NEVER]) * rows
        self._idle, self._on, self._quiet = bytearray(rows), bytearray(rows), bytearray(rows)
        columns = (self._lat, self._lon, self._at, self._contact, self._gone, self._idle, self._on, self._quiet)
        self._columns: tuple[MutableSequence[Any], ...] = columns
        self._lats: NDArray[np.float64] = np.frombuffer(self._lat, np.float64)
        self._lons: NDArray[np.float64] = np.frombuffer(self._lon, np.float64)
        self._ats: NDArray[np.int64] = np.frombuffer(self._at, np.int64)

    def _grow(self) -> None:
        before, count = self._columns, len(self._at)
        self._make(min(RIDERS_MAX, 2 * count))
        for old, new in zip(before, self._columns, strict=True):
            new[:count] = old
