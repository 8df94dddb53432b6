"""Where riders are: numpy columns in memory, never written anywhere. Only whole seconds of travel and of age leave it.

Rows are kept in two parts, those of riders who can be offered something in front, so that a look at all of them is a
handful of operations on contiguous columns. Times are whole milliseconds of the monotonic clock.
"""

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ...limits import (
    EARLY_POSITIONS_MAX,
    GONE_S_MAX,
    GRID_RIDERS_MIN,
    REDECIDE_S,
    RIDERS_MAX,
    WALL_SKEW_MS_MAX,
)
from ...model import DispatchRules, Now, Seen
from .grid import Grid
from .travel import METRES_PER_DEG, seconds

NEVER: Final = -(1 << 60)
_ROWS_MIN: Final = 64
_FAR: Final = 1 << 60

_AT, _HEARD, _GONE = 0, 1, 2
_IDLE, _ON, _QUIET = 0, 1, 2


def milliseconds(now: Now) -> int:
    """The monotonic clock in whole milliseconds."""
    return round(now.mono * 1000)


class Positions:
    """The table. A rider has a row from the beginning of its shift until it has gone home with nothing in hand."""

    def __init__(self, rules: DispatchRules) -> None:
        self._rules = rules
        self._row: dict[str, int] = {}
        self._names: list[str] = []
        self._ready = 0
        self._place: NDArray[np.float64] = np.zeros((2, _ROWS_MIN))
        self._times: NDArray[np.int64] = np.full((3, _ROWS_MIN), NEVER, np.int64)
        self._flags: NDArray[np.bool_] = np.zeros((3, _ROWS_MIN), np.bool_)
        self._grid = Grid()
        self._early: dict[str, tuple[int, float, float]] = {}
        self.dropped = {"not_on_shift": 0, "out_of_order": 0, "too_many_riders": 0}
        """Positions that no decision can see, by reason; the last one of a rider whose shift begins later is kept."""
        self._begun_ms: int | None = None
        self._silence_ms = 0
        self._stirred = False
        self._retry_ms = 0

    # -- what is known of riders ---------------------------------------------------------------------------------------

    def enter(self, rider: str, now_ms: int) -> None:
        """A rider begins a shift. Its latest position may have come a moment before."""
        if rider not in self._row:
            row = len(self._names)
            if row >= RIDERS_MAX:
                self.dropped["too_many_riders"] += 1
                return
            if row >= self._place.shape[1]:
                self._grow()
            self._row[rider] = row
            self._names.append(rider)
            self._times[:, row] = NEVER
            self._flags[:, row] = False
        self.hear(rider, now_ms)
        early = self._early.pop(rider, None)
        if early is not None:
            self.put(rider, *early)

    def leave(self, rider: str) -> None:
        """The rider is gone: its row is cleared."""
        row = self._row.get(rider)
        if row is None:
            return
        self._flags[:, row] = False
        self._sort(rider)
        row = self._row[rider]
        last = len(self._names) - 1
        self._swap(row, last)
        self._place[:, last] = 0.0
        del self._row[rider]
        self._names.pop()

    def flag(self, rider: str, idle: bool, on: bool) -> None:
        """Whether the rider can be offered something now, and whether it is on shift and must be heard of."""
        row = self._row.get(rider)
        if row is None:
            return
        self._flags[_IDLE, row] = idle
        if on and not self._flags[_ON, row]:
            self._watch(int(self._times[_HEARD, row]) + self._rules.silent_s * 1000)
        self._flags[_ON, row] = on
        self._sort(rider)

    def hush(self, rider: str) -> None:
        """The rider counts as silent until something is heard of it."""
        row = self._row.get(rider)
        if row is not None:
            self._flags[_QUIET, row] = True
            self._sort(rider)

    def hear(self, rider: str, now_ms: int) -> None:
        """Something came from the rider."""
        row = self._row.get(rider)
        if row is None:
            return
        self._times[_HEARD, row] = max(now_ms, int(self._times[_HEARD, row]))
        self._times[_GONE, row] = NEVER
        if self._flags[_QUIET, row]:
            self._flags[_QUIET, row] = False
            self._watch(now_ms + self._rules.silent_s * 1000)
            self._sort(rider)
            self._stirred = True

    def gone(self, rider: str, now_ms: int) -> None:
        """The rider's last connection went."""
        row = self._row.get(rider)
        if row is not None and self._times[_GONE, row] == NEVER:
            self._times[_GONE, row] = now_ms
            self._watch(now_ms + min(self._rules.silent_s, GONE_S_MAX) * 1000)

    def put(self, rider: str, at_ms: int, lat: float, lon: float) -> None:
        """The rider was here then. An older place than the known one is ignored."""
        row = self._row.get(rider)
        if row is None:
            return
        if at_ms < self._times[_AT, row]:
            self.dropped["out_of_order"] += 1
            return
        self._times[_AT, row] = at_ms
        self._place[0, row] = lat
        self._place[1, row] = lon
        if row < self._ready:
            self._grid.put(rider, lat, lon)
        else:
            self._sort(rider)

    def sighted(self, rider: str, points: list[tuple[int, float, float]], now: Now) -> None:
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
        stale = self._times[_AT, row] < now_ms - self._rules.position_age_s_max * 1000
        self.hear(rider, now_ms)
        self.put(rider, now_ms - age_ms, lat, lon)
        if stale and self._row[rider] < self._ready:
            self._stirred = True

    # -- what a round may ask ------------------------------------------------------------------------------------------

    def nearest(self, lat: float, lon: float, limit: int, now_ms: int) -> list[Seen]:
        """The nearest riders who can be offered something, by straight line, ties by name: at most `limit`."""
        oldest = now_ms - self._rules.position_age_s_max * 1000
        if self._ready >= GRID_RIDERS_MIN:
            near = self._near(lat, lon, limit, oldest)
            rows, square = near, self._square(near, lat, lon, oldest)
        else:
            rows, square = None, self._square(slice(self._ready), lat, lon, oldest)
        reach = (self._rules.radius_m_max / METRES_PER_DEG) ** 2
        if len(square) > limit:
            reach = min(reach, float(np.partition(square, limit - 1)[limit - 1]))
        picks = np.flatnonzero(square <= reach)
        distances = np.rint(np.sqrt(square[picks]) * METRES_PER_DEG).astype(np.int64).tolist()
        picks = picks if rows is None else rows[picks]
        ages = ((now_ms - self._times[_AT, picks]) // 1000).tolist()
        names = self._names
        found = sorted(
            (distance, names[row], max(0, age))
            for distance, row, age in zip(distances, picks.tolist(), ages, strict=True)
        )
        rules = self._rules
        return [Seen(rider, seconds(distance, rules), age) for distance, rider, age in found[:limit]]

    def silent(self, now_ms: int) -> list[str]:
        """Riders on shift of whom nothing was heard for too long, by name. Costs nothing before one can be due."""
        if self._begun_ms is None:
            # After a restart everybody gets the full time to come back.
            self._begun_ms = now_ms
            self._silence_ms = 0
        if now_ms < self._silence_ms:
            return []
        count = len(self._names)
        heard = np.maximum(self._times[_HEARD, :count], self._begun_ms) + self._rules.silent_s * 1000
        gone = self._times[_GONE, :count]
        away = np.where(gone == NEVER, _FAR, gone + min(self._rules.silent_s, GONE_S_MAX) * 1000)
        watched = self._flags[_ON, :count] & ~self._flags[_QUIET, :count]
        due = np.where(watched, np.minimum(heard, away), _FAR)
        self._silence_ms = int(due[due > now_ms].min(initial=_FAR))
        return sorted(self._names[int(row)] for row in np.flatnonzero(due <= now_ms))

    def stirred(self, now_ms: int) -> bool:
        """Whether riders have come into sight, or it is time to look again. Asking takes note of it."""
        stirred = self._stirred or now_ms >= self._retry_ms
        if stirred:
            self._stirred = False
            self._retry_ms = now_ms + REDECIDE_S * 1000
        return stirred

    def next_silence_ms(self) -> int | None:
        """When somebody may be silent, at the earliest."""
        return None if self._silence_ms >= _FAR or not self._names else self._silence_ms

    def next_look_ms(self) -> int:
        """When waiting orders want another look."""
        return 0 if self._stirred else self._retry_ms

    def configure(self, rules: DispatchRules) -> None:
        """New rules: every deadline is worked out anew."""
        self._rules = rules
        self._silence_ms = 0
        self._retry_ms = 0

    def place(self, rider: str) -> tuple[float, float, int] | None:
        """Latitude, longitude and when, for the node's own map; None where nothing is known."""
        row = self._row.get(rider)
        if row is None or self._times[_AT, row] == NEVER:
            return None
        return float(self._place[0, row]), float(self._place[1, row]), int(self._times[_AT, row])

    # -- rows ----------------------------------------------------------------------------------------------------------

    def _square(self, rows: slice | NDArray[np.intp], lat: float, lon: float, oldest: int) -> NDArray[np.float64]:
        """Squared distances in degrees of latitude; infinite where the position is too old. Equirectangular about the
        middle latitude, with its cosine to the first order: within 20 km and 75 degrees of latitude that is exact to
        some parts in 100,000, and it takes nothing but sums and products, which are the same on every machine."""
        up = self._place[0, rows] - lat
        across = self._place[1, rows] - lon
        if abs(lon) > 179.0:
            across = np.remainder(across + 180.0, 360.0) - 180.0
        phi = math.radians(lat)
        across *= math.cos(phi) - up * (math.sin(phi) * math.pi / 360)
        square = up * up + across * across
        square[self._times[_AT, rows] < oldest] = np.inf
        return square

    def _near(self, lat: float, lon: float, limit: int, oldest: int) -> NDArray[np.intp]:
        """Rows among which the nearest `limit` are: rings of the grid until nobody nearer can be left outside."""
        rows: list[int] = []
        safe_enough_m = math.inf
        for riders, safe_m in self._grid.rings(lat, lon, self._rules.radius_m_max):
            if safe_m > safe_enough_m:
                break
            rows += [self._row[rider] for rider in riders]
            if riders and len(rows) >= limit:
                square = self._square(np.array(rows, np.intp), lat, lon, oldest)
                safe_enough_m = float(np.partition(square, limit - 1)[limit - 1]) ** 0.5 * METRES_PER_DEG
        return np.array(rows, np.intp)

    def _watch(self, due_ms: int) -> None:
        """Somebody may be silent then."""
        self._silence_ms = min(self._silence_ms, due_ms)

    def _sort(self, rider: str) -> None:
        """Puts the row into the part where it belongs."""
        row = self._row[rider]
        flags = self._flags
        ready = bool(flags[_IDLE, row] and not flags[_QUIET, row] and self._times[_AT, row] != NEVER)
        if ready and row >= self._ready:
            self._swap(row, self._ready)
            self._ready += 1
            self._grid.put(rider, *self._at(rider))
        elif not ready and row < self._ready:
            self._ready -= 1
            self._swap(row, self._ready)
            self._grid.drop(rider)

    def _at(self, rider: str) -> tuple[float, float]:
        row = self._row[rider]
        return float(self._place[0, row]), float(self._place[1, row])

    def _swap(self, a: int, b: int) -> None:
        if a == b:
            return
        columns: tuple[NDArray[Any], ...] = (self._place, self._times, self._flags)
        for column in columns:
            column[:, [a, b]] = column[:, [b, a]]
        names = self._names
        names[a], names[b] = names[b], names[a]
        self._row[names[a]], self._row[names[b]] = a, b

    def _grow(self) -> None:
        wider = min(RIDERS_MAX, 2 * self._place.shape[1]) - self._place.shape[1]
        self._place = np.hstack([self._place, np.zeros((2, wider))])
        self._times = np.hstack([self._times, np.full((3, wider), NEVER, np.int64)])
        self._flags = np.hstack([self._flags, np.zeros((3, wider), np.bool_)])
