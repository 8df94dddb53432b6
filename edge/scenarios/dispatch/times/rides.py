"""How long rides and handovers take against what is configured: for the whole node, by hour, shop and door.

The pace is actual over configured seconds of a ride. Handovers are learned as the seconds between arrival and the
change of hands beyond the configured half of the service. Only what is between two reports of one rider counts: from a
shop to the first door, from a door to the next. What that takes longer than expected is attributed to the ride and to
the handovers by their lengths, since one report cannot separate them; the mean over a cell of doors does.
"""

from math import floor
from typing import Final

from msgspec import Struct

from .means import Mean, clipped, touched

HOUR_MS: Final = 3_600_000
HOURS: Final = 24

PRIOR: Final = 5
"""Labels that the configuration counts for."""

HOUR_WEIGHT: Final = 10
CELL_WEIGHT: Final = 3
SHOP_WEIGHT: Final = 3
"""Labels that the level above counts for."""

FASTEST, SLOWEST = 0.25, 4.0
"""Of what was expected. Beyond these a rider did something else than ride, or a report came late."""

CLIP: Final = 0.5
"""A label moves the pace as if it were no further than this from it."""

HANDOVER_CLIP_S: Final = 300.0
"""The same of a handover, seconds."""

CELLS_MAX: Final = 2_000
"""Cells of doors that are remembered, some 300 kB; that of the oldest label goes first."""


class Rides(Struct, array_like=True):
    """`pace` and `hours` (UTC) are factors; `shop`, `door` and `doors` seconds. Doors are by cells of 0.01 degrees,
    about a kilometre: no cell is one house."""

    pace: Mean
    hours: dict[int, Mean]
    shop: Mean
    door: Mean
    doors: dict[str, Mean]

    @classmethod
    def empty(cls) -> "Rides":
        """Nothing learned."""
        return cls(Mean(), {}, Mean(), Mean(), {})

    def pace_at(self, wall_ms: int, day: int) -> float:
        """The factor at an hour."""
        found = self.pace.towards(1.0, PRIOR, day)
        hour = self.hours.get(hour_of(wall_ms))
        return found if hour is None else hour.towards(found, HOUR_WEIGHT, day)

    def shop_s(self, day: int) -> float:
        """Beyond the configured time before the pickup."""
        return self.shop.towards(0.0, PRIOR, day)

    def door_s(self, day: int) -> float:
        """Beyond the configured time before the drop-off."""
        return self.door.towards(0.0, PRIOR, day)

    def door_at(self, lat: float, lon: float, day: int) -> float:
        """The same at one door."""
        found = self.door_s(day)
        cell = self.doors.get(cell_of(lat, lon))
        return found if cell is None else cell.towards(found, CELL_WEIGHT, day)

    def learn(
        self, ride_s: int, service_s: int, took_s: float, door: tuple[float, float], wall_ms: int, day: int
    ) -> None:
        """From one change of hands to the next, at `door`, it took `took_s`: a ride of `ride_s` by the configuration,
        and `service_s` of handovers without what is learned of the door."""
        pace, beyond_s = self.pace_at(wall_ms, day), self.door_at(*door, day)
        expected_s = pace * ride_s + service_s + beyond_s
        if not FASTEST * expected_s <= took_s <= SLOWEST * expected_s:
            return
        slower = (took_s - expected_s) / expected_s
        label = pace + clipped(pace * slower, CLIP)
        self.pace.add(label, day)
        self.hours.setdefault(hour_of(wall_ms), Mean()).add(label, day)
        label = beyond_s + clipped((service_s + beyond_s) * slower, HANDOVER_CLIP_S)
        self.door.add(label, day)
        touched(self.doors, cell_of(*door), Mean(), CELLS_MAX).add(label, day)


def hour_of(wall_ms: int) -> int:
    """The hour of the day that a time is in, UTC."""
    return wall_ms // HOUR_MS % HOURS


def cell_of(lat: float, lon: float) -> str:
    """The cell of 0.01 degrees that a door is in."""
    return f"{floor(lat * 100)},{floor(lon * 100)}"
