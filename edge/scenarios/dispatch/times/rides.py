"""How long rides and handovers take against what is configured: for the whole node, by hour, shop and door.

Only what is between two reports of one rider counts: from a shop to the first door, from a door to the next. What that
takes longer than expected is attributed to the ride and to the handovers by their lengths, since one report cannot
separate them; the mean over a cell of doors does.
"""

from typing import Final

from .learned import Mean, Rides, cell_of, clipped, hour_of, touched

FASTEST, SLOWEST = 0.25, 4.0
"""Of what was expected. Beyond these a rider did something else than ride, or a report came late."""

CLIP: Final = 0.5
"""A label moves the pace as if it were no further than this from it."""

HANDOVER_CLIP_S: Final = 300.0
"""The same of a handover, seconds."""

CELLS_MAX: Final = 2_000
"""Cells of doors that are remembered, some 300 kB; that of the oldest label goes first."""


def learn(rides: Rides, ride_s: float, service_s: int, took_s: float, door: tuple[float, float], wall_ms: int) -> None:
    """From one change of hands to the next, at `door`, it took `took_s`: a ride of `ride_s` by the configuration, and
    `service_s` of handovers without what is learned of the door."""
    pace, beyond_s = rides.pace_at(wall_ms), rides.door_s() + rides.beyond_door_s(*door)
    expected_s = pace * ride_s + service_s + beyond_s
    if not FASTEST * expected_s <= took_s <= SLOWEST * expected_s:
        return
    slower = (took_s - expected_s) / expected_s
    label = pace + clipped(pace * slower, CLIP)
    rides.pace.add(label)
    rides.hours.setdefault(hour_of(wall_ms), Mean()).add(label)
    label = beyond_s + clipped((service_s + beyond_s) * slower, HANDOVER_CLIP_S)
    rides.door.add(label)
    touched(rides.doors, cell_of(*door), Mean, CELLS_MAX).add(label)
