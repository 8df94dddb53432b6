"""How long a ride takes: by a table of travel times where there is one, else a straight line, a detour factor, a speed.

The straight line is that of a map with true scale at the middle latitude: within 30 km and 75 degrees of latitude it is
exact to some parts in 100,000.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from ..options import DispatchOptions
from .table import TravelTable, kept

EARTH_RADIUS_M: Final = 6_371_008.8
"""The mean radius (2a + b)/3 of the WGS-84 ellipsoid, IUGG 1980."""

METRES_PER_DEG: Final = EARTH_RADIUS_M * math.pi / 180
"""Of latitude."""

Place = tuple[float, float]
"""Latitude and longitude, degrees."""


def metres(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> int:
    """Distance between two points in degrees, whole metres; also across the 180th meridian."""
    across = ((lon_b - lon_a + 180.0) % 360.0 - 180.0) * math.cos(math.radians((lat_a + lat_b) / 2))
    return round(math.hypot(lat_b - lat_a, across) * METRES_PER_DEG)


class RulesWithTable(DispatchOptions, frozen=True, kw_only=True):
    """Rules by which rides take `pace` times as long as in the table; by the straight line where it does not know."""

    table: TravelTable
    pace: float = 1.0


def with_table(options: DispatchOptions) -> DispatchOptions:
    """The options with the table that they name; as they are where they name none, or nobody has handed it over."""
    table = kept(options.travel_table) if options.travel_table else None
    return options if table is None else RulesWithTable(**structs.asdict(options), table=table)


def slower(rules: DispatchOptions, pace: float) -> DispatchOptions:
    """The same, with rides that take `pace` times as long."""
    if isinstance(rules, RulesWithTable):
        return structs.replace(rules, speed_mps=rules.speed_mps / pace, pace=rules.pace * pace)
    return structs.replace(rules, speed_mps=rules.speed_mps / pace)


def seconds(distance_m: float, rules: DispatchOptions) -> int:
    """Whole seconds for a straight-line distance, rounded up to a multiple of `ride_step_s`."""
    step = rules.ride_step_s
    return math.ceil(distance_m * rules.detour_factor / rules.speed_mps / step) * step


def ride_s(
    lat_a: float, lon_a: float, lat_b: float, lon_b: float, rules: DispatchOptions, distance_m: int | None = None
) -> int:
    """Whole seconds from one point to another; `distance_m` is the straight line, where it is known already."""
    if isinstance(rules, RulesWithTable):
        found = rules.table.ride_s(lat_a, lon_a, lat_b, lon_b)
        if found is not None:
            return math.ceil(found * rules.pace / rules.ride_step_s) * rules.ride_step_s
    return seconds(metres(lat_a, lon_a, lat_b, lon_b) if distance_m is None else distance_m, rules)


def rides_s(starts: Sequence[Place], ends: Sequence[Place], rules: DispatchOptions) -> NDArray[np.float64]:
    """(starts x ends) The same of many at once."""
    start, end = np.array(starts)[:, None, :], np.array(ends)[None, :, :]
    up = end[..., 0] - start[..., 0]
    middle = np.radians((start[..., 0] + end[..., 0]) / 2)
    across = ((end[..., 1] - start[..., 1] + 180.0) % 360.0 - 180.0) * np.cos(middle)
    step = rules.ride_step_s
    direct = (
        np.ceil(np.rint(np.hypot(up, across) * METRES_PER_DEG) * rules.detour_factor / rules.speed_mps / step) * step
    )
    if isinstance(rules, RulesWithTable):
        found = np.ceil(rules.table.rides_s(starts, ends) * rules.pace / step) * step
        return np.where(np.isnan(found), direct, found)
    return direct


class Service:
    """How a stop's service time lies around its moment: half of it before the handover, half after (the convention of
    the meal-delivery instances, Reyes et al. 2018). Milliseconds."""

    __slots__ = ("after_dropoff", "after_pickup", "before_dropoff", "before_pickup")

    def __init__(self, rules: DispatchOptions) -> None:
        self.before_pickup = rules.pickup_service_s // 2 * 1000
        self.after_pickup = (rules.pickup_service_s - rules.pickup_service_s // 2) * 1000
        self.before_dropoff = rules.dropoff_service_s // 2 * 1000
        self.after_dropoff = (rules.dropoff_service_s - rules.dropoff_service_s // 2) * 1000

    def dropoff_ms(self, pickup_ms: int, ride_s: int) -> int:
        """When it changes hands at the door."""
        return pickup_ms + self.after_pickup + ride_s * 1000 + self.before_dropoff
