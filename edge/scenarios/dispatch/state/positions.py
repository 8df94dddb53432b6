"""Where riders are: in memory only, never written anywhere. Only whole seconds of travel and of age leave it, to a
round through its `Sensor`. Times are whole milliseconds of the monotonic clock."""

from typing import Final

from ....core.model import Now
from ....limits import WALL_SKEW_MS_MAX
from ...rounds import Deadlines, milliseconds
from ..options import DispatchOptions
from ..records import RiderDistance, StandbyPlace
from ..travel.ride_times import metres, ride_s, seconds
from ..travel.spatial_index import Fits, SpatialIndex, Spot
from .standby import Demand, Waiting, places

NEVER: Final = -(1 << 60)

GONE_S_MAX: Final = 120
"""A rider whose last connection went counts as silent after this at the latest: a tunnel is shorter."""

AWAY_S: Final = 24 * 3600
"""A rider who has been silent for so long is off shift: a phone that is lost, or a program that is gone, would be on
shift for ever where its shift has no planned end."""

REDECIDE_S: Final = 30
"""Orders without a rider are looked at again this often even where nothing durable has changed: riders move."""

EARLY_POSITIONS_MAX: Final = 1_024
"""Positions of clients not yet on shift, kept for the shift that begins in the same batch; the oldest are dropped."""

SPEED_MPS_MAX: Final = 100
"""Faster than any rider, and than most mistakes of a receiver: a position that asks for more than this is none."""

JUMP_M_MAX: Final = 5_000
"""By so much a position may be off beside that: one taken from a mobile cell instead of satellites."""

JUMP_S_MAX: Final = 180
"""The known position is believed rather than the new one for so long. After it the known one may be the mistake."""


class _Rider(Spot, eq=False):
    """What is known of a rider beside its place: when something last came from it, since when it has no connection,
    whether it can be offered something, and is on shift."""

    contact_ms: int = NEVER
    gone_ms: int = NEVER
    idle: bool = False
    on: bool = False
    quiet_ms: int | None = None
    """Since when it counts as silent; None: it does not."""


class Positions:
    """The table. A rider is in it from the beginning of its shift until it has gone home with nothing in hand."""

    def __init__(self, rules: DispatchOptions) -> None:
        self._rules = rules
        self._riders: dict[str, _Rider] = {}
        self._index = SpatialIndex()
        """Those who can be offered something."""
        self._early: dict[str, tuple[int, float, float]] = {}
        self.dropped = {"not_on_shift": 0, "out_of_order": 0, "null_island": 0, "too_fast": 0}
        """Positions that no decision can see, by reason: the last one of a rider whose shift begins later is kept;
        latitude and longitude 0 are what a phone without a fix sends."""
        self._begun_ms: int | None = None
        self._silences = Deadlines()
        """When each rider on shift may be silent at the earliest; a message from it is noticed only then."""
        self._changed = False
        self._retry_ms = 0

    # -- what is known of riders ---------------------------------------------------------------------------------------

    def enter(self, rider: str, now_ms: int) -> None:
        """A rider begins a shift. Its latest position may have come a moment before."""
        if rider not in self._riders:
            self._riders[rider] = _Rider(rider, at_ms=NEVER)
        self.touch(rider, now_ms)
        early = self._early.pop(rider, None)
        if early is not None:
            self.put(rider, *early)

    def leave(self, rider: str) -> None:
        """The rider is gone."""
        self._riders.pop(rider, None)
        self._index.drop(rider)
        self._silences.drop(rider)

    def flag(self, rider: str, idle: bool, on: bool) -> None:
        """Whether the rider can be offered something now, and whether it is on shift and must stay in contact."""
        known = self._riders.get(rider)
        if known is not None:
            known.idle = idle
            if on and not known.on:
                self._silences.set(rider, self._silent_at(known))
            known.on = on
            self._list(known)

    def mark_silent(self, rider: str, since_ms: int) -> None:
        """The rider counts as silent until it sends something."""
        known = self._riders.get(rider)
        if known is not None:
            known.quiet_ms = since_ms
            self._silences.set(rider, self._silent_at(known))
            self._list(known)

    def touch(self, rider: str, now_ms: int) -> None:
        """Something came from the rider."""
        known = self._riders.get(rider)
        if known is None:
            return
        known.contact_ms = max(known.contact_ms, now_ms)
        known.gone_ms = NEVER
        if known.quiet_ms is not None:
            known.quiet_ms = None
            self._silences.set(rider, self._silent_at(known))
            self._list(known)
            self._changed = True

    def disconnected(self, rider: str, now_ms: int) -> None:
        """The rider's last connection went."""
        known = self._riders.get(rider)
        if known is not None and known.gone_ms == NEVER:
            known.gone_ms = now_ms
            self._silences.set(rider, self._silent_at(known))

    def put(self, rider: str, at_ms: int, lat: float, lon: float) -> None:
        """The rider was here then. An older place than the known one is ignored."""
        known = self._riders.get(rider)
        if known is None:
            return
        if at_ms < known.at_ms:
            self.dropped["out_of_order"] += 1
            return
        known.at_ms, known.lat, known.lon = at_ms, lat, lon
        self._list(known)

    def report_position(self, rider: str, points: list[tuple[int, float, float]], now: Now) -> None:
        """Positions as published, of which the newest counts. A stamp that cannot be right is replaced by now."""
        now_ms = milliseconds(now)
        at, lat, lon = max(points)
        age_ms = now.wall_ms - at
        if age_ms < 0 or age_ms > WALL_SKEW_MS_MAX:
            age_ms = 0
        known = self._riders.get(rider)
        if lat == 0 and lon == 0:
            self.dropped["null_island"] += 1
            self.touch(rider, now_ms)
            return
        if known is None:
            self.dropped["not_on_shift"] += 1
            self._early[rider] = (now_ms - age_ms, lat, lon)
            if len(self._early) > EARLY_POSITIONS_MAX:
                del self._early[next(iter(self._early))]
            return
        stale = known.at_ms < now_ms - self._rules.position_age_s_max * 1000
        self.touch(rider, now_ms)
        after_ms = now_ms - age_ms - known.at_ms
        if 0 <= after_ms <= JUMP_S_MAX * 1000:
            jump_m = metres(known.lat, known.lon, lat, lon)
            if jump_m > JUMP_M_MAX + SPEED_MPS_MAX * after_ms / 1000:
                self.dropped["too_fast"] += 1
                return
        self.put(rider, now_ms - age_ms, lat, lon)
        if stale and known.idle:
            self._changed = True

    # -- what a round may ask ------------------------------------------------------------------------------------------

    def nearest(self, lat: float, lon: float, limit: int, now_ms: int, fits: Fits = None) -> list[RiderDistance]:
        """The nearest riders who can be offered something, by straight line, ties by name: at most `limit`."""
        rules = self._rules
        oldest_ms = now_ms - rules.position_age_s_max * 1000
        found = self._index.nearest(lat, lon, limit, rules.radius_m_max, oldest_ms, fits)
        if rules.travel_table:
            return [
                RiderDistance(name, ride_s(spot.lat, spot.lon, lat, lon, rules), (now_ms - spot.at_ms) // 1000)
                for _, name, spot in found
            ]
        return [
            RiderDistance(name, seconds(far_m, rules), (now_ms - spot.at_ms) // 1000) for far_m, name, spot in found
        ]

    def ride(self, rider: str, lat: float, lon: float, now_ms: int) -> list[RiderDistance]:
        """The ride of one rider on shift, whatever it does now; nothing where its place is not known."""
        known, rules = self._riders.get(rider), self._rules
        if known is None or not known.on or known.quiet_ms is not None:
            return []
        if known.at_ms < now_ms - rules.position_age_s_max * 1000:
            return []
        away_s = ride_s(known.lat, known.lon, lat, lon, rules)
        return [RiderDistance(rider, away_s, (now_ms - known.at_ms) // 1000)]

    def standby(self, waiting: Waiting, demand: Demand, now_ms: int) -> list[StandbyPlace]:
        """Where idle riders would be of more use."""
        return places(waiting, demand, self._index, self._rules, now_ms)

    def silent(self, now_ms: int) -> tuple[list[str], list[str]]:
        """Riders on shift who have been without contact for too long since the last call, by name; and those who have
        been so for AWAY_S."""
        if self._begun_ms is None:
            self._begun_ms = now_ms
        found: list[str] = []
        gone: list[str] = []
        while (rider := self._silences.pop(now_ms)) is not None:
            known = self._riders[rider]
            if known.on:
                if (due_ms := self._silent_at(known)) > now_ms:
                    self._silences.set(rider, due_ms)
                else:
                    (found if known.quiet_ms is None else gone).append(rider)
        return sorted(found), sorted(gone)

    def needs_decision(self, now_ms: int) -> bool:
        """Whether riders have come into sight, or it is time to look again. Asking takes note of it."""
        needs_decision = self._changed or now_ms >= self._retry_ms
        if needs_decision:
            self._changed = False
            self._retry_ms = now_ms + REDECIDE_S * 1000
        return needs_decision

    def next_silence_ms(self) -> int | None:
        """When somebody may be silent, or gone, at the earliest."""
        return self._silences.next()

    def next_look_ms(self) -> int:
        """When waiting orders want another look."""
        return 0 if self._changed else self._retry_ms

    def configure(self, rules: DispatchOptions) -> None:
        """New rules: every deadline is worked out anew, and places that were too old may count again."""
        self._rules = rules
        self._retry_ms = 0
        for rider, known in self._riders.items():
            self._list(known)
            if known.on:
                self._silences.set(rider, self._silent_at(known))

    def measure(self, rules: DispatchOptions) -> None:
        """Rides take another time now."""
        self._rules = rules

    def contact_ms(self, rider: str) -> int | None:
        """When something last came from the rider; None where nothing did."""
        known = self._riders.get(rider)
        return None if known is None or known.contact_ms == NEVER else known.contact_ms

    def place(self, rider: str) -> tuple[float, float, int] | None:
        """Latitude, longitude and when, for the node's own map; None where nothing is known."""
        known = self._riders.get(rider)
        return None if known is None or known.at_ms == NEVER else (known.lat, known.lon, known.at_ms)

    def _silent_at(self, known: _Rider) -> int:
        """When the rider is silent if nothing comes from it; or gone, where it is silent already. After a restart
        everybody has the full time to come back."""
        begun_ms, silent_ms = self._begun_ms or 0, self._rules.silent_s * 1000
        if known.quiet_ms is not None:
            return max(known.quiet_ms + AWAY_S * 1000, begun_ms + silent_ms)
        due_ms = max(known.contact_ms, begun_ms) + silent_ms
        if known.gone_ms == NEVER:
            return due_ms
        return min(due_ms, known.gone_ms + min(self._rules.silent_s, GONE_S_MAX) * 1000)

    def _list(self, known: _Rider) -> None:
        """The index has the rider where it belongs."""
        if known.idle and known.quiet_ms is None and known.at_ms != NEVER:
            self._index.put(known)
        else:
            self._index.drop(known.id)
