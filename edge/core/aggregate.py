"""Events become windows: what the centre learns of a node, and nothing else.

Every durable event counts once, in the one-minute window of its own stamp:

    the stamp is                                        it counts in                      and as
    within the lateness bound, its window open          that window
    within the lateness bound, its window sealed        a revision: a further delta of it
    older than LATENESS_S_MAX                           the window of its arrival         `late`
    older than a day, or more than ten minutes ahead    the window of its arrival         `implausible_stamp`

Windows are labelled by a clock that follows the wall clock forwards at once and backwards only after CLOCK_DOUBT_S of
monotonic time; until then it goes on from where it stood, driven by monotonic time. So a wall clock that jumps to 1970
and back, or by ten years and back, neither holds up a seal nor sends windows back in time; `clock_step` counts jumps.

Spatial counts gather across minutes, for each H3 cell and name, until at least k distinct people contributed; then the
count leaves with the next sealed window and gathering begins anew from nothing. So neither a released count nor the
difference of any two stands for fewer than k people. What has not reached k within a day becomes `withheld.<name>`,
which has no place. `located.<name>` is always released + withheld + still gathering.

State changes only in `count`, `add`, `discard`, `configure` and a `seal` that returns windows:
the caller keeps a row of exactly those calls, and a replay of the rows comes to the same bytes.
"""

from typing import Final

import msgspec
from msgspec import Struct

from ..limits import (
    CELLS_MAX,
    CELLS_PER_WINDOW_MAX,
    COUNTERS_MAX,
    MEASURES_MAX,
    WALL_SKEW_MS_MAX,
    WINDOW_GRACE_S,
    WINDOW_S,
)
from ..messages.batches import Cell, Measure, Window, fold
from ..messages.coordinates import cell_of
from ..messages.envelope import Client
from ..messages.sync.shops import ShopDays
from ..messages.sync.statement import DAY_MS
from .effects import Measured
from .model import Now

LATENESS_S_MAX: Final = 3_600
"""A late event revises its window up to this age; an older one counts in the window of its arrival, as `late`."""

CELL_HOLD_S_MAX: Final = 24 * 3600
"""A cell that has not reached its threshold within a day is given up, counted as `withheld`."""

STAMP_AGE_S_MAX: Final = 24 * 3600
"""A stamp older than this is a fault of the publisher's clock: `implausible_stamp`."""

SKETCH_PENDING_MAX: Final = 512
"""Values kept beside a sketch before they are folded into it: folding costs about as much as 200 values."""

CLOCK_DOUBT_S: Final = 600
"""A wall clock that stepped back is followed only after this long; until then windows go on from where they stood."""

LATE, IMPLAUSIBLE_STAMP, CLOCK_STEP, OVERFLOW = "late", "implausible_stamp", "clock_step", "other"

WALL_MS_MAX: Final = 253_000_000_000_000
"""The year 9987: a wall clock beyond it would make stamps that the wire's schema refuses."""

_WINDOW_MS: Final = WINDOW_S * 1000
_GRACE_MS: Final = WINDOW_GRACE_S * 1000


class _Timeline(Struct, frozen=True, array_like=True):
    """The clock of the labels: it showed `wall_ms` at `mono` and runs on from there. `behind_since` is when the wall
    clock fell behind it; `steps` are jumps not yet counted in a window."""

    wall_ms: int
    mono: float
    behind_since: float | None = None
    steps: int = 0

    def label(self, mono: float) -> int:
        """Unix ms."""
        return self.wall_ms + int((mono - self.mono) * 1000)


class _Gauge(Struct, array_like=True):
    """A measure in the making: count, sum and sketch of the folded values, and those not yet folded."""

    count: int = 0
    total: int = 0
    digest: bytes = b""
    pending: list[int] = []


class _Draft(Struct, array_like=True):
    """An open window; `due` is the label at which it is sealed."""

    scenario: str
    start: int
    due: int
    events: int = 0
    counters: dict[str, int] = {}
    gauges: dict[str, _Gauge] = {}


class _Gathering(Struct, array_like=True):
    """A cell's count on its way to the threshold. `people` never holds more than the threshold asks for."""

    scenario: str
    cell: int
    name: str
    start: int
    end: int
    give_up: int
    count: int
    people: list[Client]


class State(Struct, array_like=True):
    """The snapshot."""

    k: int
    resolution: int
    time: _Timeline | None
    drafts: list[_Draft]
    gatherings: list[_Gathering]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(State).decode


class Windows:
    """The open windows of a node. `k` is the privacy threshold in people, `resolution` that of the H3 cells."""

    def __init__(self, k: int, resolution: int) -> None:
        self._k = k
        self._resolution = resolution
        self._time: _Timeline | None = None
        self._label = 0
        self._now: Now | None = None
        self._drafts: dict[tuple[str, int], _Draft] = {}
        self._gatherings: dict[tuple[str, int, str], _Gathering] = {}
        self._first: int | None = None  # the earliest label at which anything is due; None: look
        self._last: _Draft | None = None  # asked for last: most counts go there
        self._last_from = self._last_to = 0  # stamps (Unix ms) that count in it, by the clock of this round

    def configure(self, k: int, resolution: int) -> None:
        """New rules. Counts that are gathering go on under the new threshold, in the cells they began in."""
        self._k = k
        self._resolution = resolution

    # -- what happens ----------------------------------------------------------------------------------------------

    def count(self, scenario: str, now: Now, name: str, at_ms: int, n: int = 1, events: int = 0) -> None:
        """Something happened `n` times; `events` of them are durable events, each counted exactly once in all."""
        draft = self._draft(scenario, at_ms, now)
        draft.events += events
        _count(draft, name, n)

    def add(self, scenario: str, now: Now, measured: Measured, shops: ShopDays) -> None:
        """What a round of the scenario has counted, measured and located, and what of it belongs to a shop's day."""
        draft = None
        for name, at_ms, n, events in measured.counts:
            if draft is None or not self._last_from <= at_ms < self._last_to:
                draft = self._draft(scenario, at_ms, now)
            draft.events += events
            counters = draft.counters
            if name in counters:
                counters[name] += n
            else:
                _count(draft, name, n)
        for name, at_ms, value in measured.values:
            if draft is None or not self._last_from <= at_ms < self._last_to:
                draft = self._draft(scenario, at_ms, now)
            gauges = draft.gauges
            if name not in gauges and len(gauges) >= MEASURES_MAX - 1:
                name = OVERFLOW
            gauge = gauges.get(name) or gauges.setdefault(name, _Gauge())
            pending = gauge.pending
            pending.append(value)
            if len(pending) >= SKETCH_PENDING_MAX:
                gauge.count, gauge.total = gauge.count + len(pending), gauge.total + sum(pending)
                gauge.digest = fold(gauge.digest, pending)
                pending.clear()
        for name, at_ms, lat, lon, person in measured.places:
            self._locate(self._draft(scenario, at_ms, now), name, cell_of()(lat, lon, self._resolution), person)
        for shop, name, at_ms, n, person in measured.shops:
            age_ms = self._label - at_ms
            at_ms = at_ms if -WALL_SKEW_MS_MAX <= age_ms <= LATENESS_S_MAX * 1000 else self._label
            shops.add(at_ms // DAY_MS, scenario, shop, name, n, person, self._label)

    def _locate(self, draft: _Draft, name: str, cell: int, person: str) -> None:
        """One event in a cell, by one person."""
        _count(draft, f"located.{name}", 1)
        key = (draft.scenario, cell, name)
        gathering = self._gatherings.get(key)
        if gathering is None:
            if len(self._gatherings) >= CELLS_MAX:
                _count(draft, f"withheld.{name}", 1)
                return
            give_up = self._label + CELL_HOLD_S_MAX * 1000
            gathering = _Gathering(draft.scenario, cell, name, draft.start, draft.start + _WINDOW_MS, give_up, 0, [])
            self._gatherings[key] = gathering
            self._expect(give_up)
        gathering.start = min(gathering.start, draft.start)
        gathering.end = max(gathering.end, draft.start + _WINDOW_MS)
        gathering.count += 1
        people = gathering.people
        if len(people) < self._k and person not in people:
            people.append(person)

    # -- sealing ---------------------------------------------------------------------------------------------------

    def seal(self, now: Now) -> list[Window]:
        """The windows that are due, oldest first. Where there is none, nothing has changed."""
        first = self._earliest()
        if first is None:
            return []
        if now is self._now:
            label = self._label
        else:
            time, back_ms = _follow(self._time, now)
            label = time.label(now.mono) + back_ms  # after a step back the deadlines are still on the old scale
        if first > label:
            return []
        due = [key for key, draft in self._drafts.items() if draft.due <= label]
        expired = [key for key, gathering in self._gatherings.items() if gathering.give_up <= label]
        self._advance(now)
        self._first = self._last = None
        drafts = [self._drafts.pop(key) for key in sorted(due, key=lambda key: (key[1], key[0]))]
        latest = {draft.scenario: draft for draft in drafts}
        for scenario, _, _ in expired:
            if scenario not in latest:
                latest[scenario] = _Draft(scenario, _minute(self._label), self._label)
                drafts.append(latest[scenario])
        cells = {scenario: self._release(latest[scenario]) for scenario in latest}
        return [_window(draft, cells[draft.scenario] if draft is latest[draft.scenario] else []) for draft in drafts]

    def next_deadline(self) -> float | None:
        """Monotonic seconds at which `seal` will have something, None while nothing is open."""
        if self._time is None:
            return None
        first = self._earliest()
        return None if first is None else self._time.mono + (first - self._time.wall_ms + 1) / 1000

    def discard(self, before_ms: int) -> int:
        """Forget open windows and gatherings that began before `before_ms` (Unix ms), because the centre has had that
        time from this node's lost future. Returns how many events that were."""
        self._first = self._last = None
        lost = [key for key, draft in self._drafts.items() if draft.start < before_ms]
        for key in [key for key, gathering in self._gatherings.items() if gathering.start < before_ms]:
            del self._gatherings[key]
        return sum(self._drafts.pop(key).events for key in lost)

    # -- status and recovery ---------------------------------------------------------------------------------------

    def open(self) -> list[Window]:
        """The open windows as they stand, oldest first, without cells; for the status page."""
        return [_window(self._drafts[key], []) for key in sorted(self._drafts, key=lambda key: (key[1], key[0]))]

    @property
    def gathering(self) -> int:
        """Cell counts that have not left yet."""
        return len(self._gatherings)

    def snapshot(self) -> bytes:
        """Everything, for `restore`. It holds client identities: it stays on the node's disk."""
        gatherings = list(self._gatherings.values())
        return _encode(State(self._k, self._resolution, self._time, list(self._drafts.values()), gatherings))

    def restore(self, snapshot: bytes) -> None:
        """Go on from a snapshot, as if never stopped."""
        state = _decode(snapshot)
        self._k, self._resolution, self._time, self._now = state.k, state.resolution, state.time, None
        self._drafts = {(draft.scenario, draft.start): draft for draft in state.drafts}
        self._gatherings = {(item.scenario, item.cell, item.name): item for item in state.gatherings}
        self._first = self._last = None

    # -- inside ----------------------------------------------------------------------------------------------------

    def _draft(self, scenario: str, at_ms: int, now: Now) -> _Draft:
        """The open window in which a stamp counts, opened where there is none."""
        if now is not self._now:
            self._advance(now)
        last = self._last
        if last is not None and self._last_from <= at_ms < self._last_to and last.scenario == scenario:
            return last
        label = self._label
        age_ms = label - at_ms
        if age_ms < -WALL_SKEW_MS_MAX or age_ms > STAMP_AGE_S_MAX * 1000:
            at_ms, oddity = label, IMPLAUSIBLE_STAMP
        elif age_ms > LATENESS_S_MAX * 1000:
            at_ms, oddity = label, LATE
        else:
            oddity = ""
        start = _minute(at_ms)
        draft = self._drafts.get((scenario, start))
        if draft is None:
            due = start + _WINDOW_MS + _GRACE_MS
            if due <= label:  # sealed already: a revision, which goes out with the window of now
                due = _minute(label) + _WINDOW_MS + _GRACE_MS
            draft = self._drafts[scenario, start] = _Draft(scenario, start, due)
            self._expect(due)
        if oddity:
            _count(draft, oddity, 1)
        if self._time is not None and self._time.steps:
            _count(draft, CLOCK_STEP, self._time.steps)
            self._time = msgspec.structs.replace(self._time, steps=0)
        self._remember(None if oddity else draft)
        return draft

    def _remember(self, draft: _Draft | None) -> None:
        """The stamps of its minute that are neither late nor implausible lead here without another look."""
        self._last = draft
        start, label = draft.start if draft else WALL_MS_MAX, self._label
        self._last_from = max(start, label - LATENESS_S_MAX * 1000)
        self._last_to = min(start + _WINDOW_MS, label + WALL_SKEW_MS_MAX + 1)

    def _expect(self, label: int) -> None:
        """Something new is due at `label`."""
        if self._first is not None and label < self._first:
            self._first = label

    def _earliest(self) -> int | None:
        """The label at which something is due, kept between changes: it is asked for in every round."""
        if self._first is None:
            labels = [draft.due for draft in self._drafts.values()]
            labels += [gathering.give_up for gathering in self._gatherings.values()]
            self._first = min(labels, default=None)
        return self._first

    def _advance(self, now: Now) -> None:
        """Bring the labels' clock to `now`; where it goes back, all deadlines go back with it."""
        time, back_ms = _follow(self._time, now)
        self._time, self._now = time, now
        self._label = time.label(now.mono)
        if time.steps:
            self._last = None
        elif self._last is not None:
            self._remember(self._last)
        if back_ms:
            self._first = None
            for draft in self._drafts.values():
                draft.due -= back_ms
            for gathering in self._gatherings.values():
                gathering.give_up -= back_ms

    def _release(self, draft: _Draft) -> list[Cell]:
        """What may leave with this window: cells that reached the threshold. Those past their time become totals."""
        cells: list[Cell] = []
        mine = [key for key in self._gatherings if key[0] == draft.scenario]
        for key in sorted(mine):
            item = self._gatherings[key]
            if len(item.people) >= self._k:
                if len(cells) < CELLS_PER_WINDOW_MAX:
                    del self._gatherings[key]
                    cells.append(Cell(item.cell, item.name, item.start, item.end, item.count))
            elif item.give_up <= self._label:
                del self._gatherings[key]
                _count(draft, f"withheld.{item.name}", item.count)
        return cells


def _follow(time: _Timeline | None, now: Now) -> tuple[_Timeline, int]:
    """The labels' clock at `now`, and by how many ms it went back."""
    wall_ms = min(max(now.wall_ms, 0), WALL_MS_MAX)
    if time is None:
        return _Timeline(wall_ms, now.mono), 0
    ahead_ms = wall_ms - time.label(now.mono)
    if ahead_ms >= 0:
        return _Timeline(wall_ms, now.mono, None, time.steps + (ahead_ms > WALL_SKEW_MS_MAX)), 0
    since = now.mono if time.behind_since is None else time.behind_since
    if now.mono - since < CLOCK_DOUBT_S:
        return _Timeline(time.wall_ms, time.mono, since, time.steps), 0
    return _Timeline(wall_ms, now.mono, None, time.steps + (-ahead_ms > WALL_SKEW_MS_MAX)), -ahead_ms


def _minute(at_ms: int) -> int:
    return at_ms - at_ms % _WINDOW_MS


def _count(draft: _Draft, name: str, n: int) -> None:
    counters = draft.counters
    if name not in counters and len(counters) >= COUNTERS_MAX - 1:
        name = OVERFLOW
    counters[name] = counters.get(name, 0) + n


def _window(draft: _Draft, cells: list[Cell]) -> Window:
    counters = {name: draft.counters[name] for name in sorted(draft.counters)}
    measures = {name: _measure(draft.gauges[name]) for name in sorted(draft.gauges)}
    return Window(draft.scenario, draft.start, WINDOW_S, draft.events, counters, measures, cells)


def _measure(gauge: _Gauge) -> Measure:
    new = gauge.pending
    return Measure(gauge.count + len(new), gauge.total + sum(new), fold(gauge.digest, new) if new else gauge.digest)
