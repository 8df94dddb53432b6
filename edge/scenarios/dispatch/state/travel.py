"""How long a ride takes: the straight line, a detour factor, a speed. The one place to put a better model."""

import math
from typing import Final

from ..options import DispatchOptions

EARTH_RADIUS_M: Final = 6_371_008.8
"""The mean radius (2a + b)/3 of the WGS-84 ellipsoid, IUGG 1980."""

METRES_PER_DEG: Final = EARTH_RADIUS_M * math.pi / 180
"""Of latitude."""


def metres(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> int:
    """Great-circle distance between two points in degrees, whole metres. Haversine (Sinnott, 1984): exact enough for
    points a few metres apart, and across the 180th meridian."""
    phi_a, phi_b = math.radians(lat_a), math.radians(lat_b)
    across = math.sin(math.radians(lon_b - lon_a) / 2)
    up = math.sin((phi_b - phi_a) / 2)
    chord = up * up + math.cos(phi_a) * math.cos(phi_b) * across * across
    return round(2 * EARTH_RADIUS_M * math.asin(math.sqrt(min(1.0, chord))))


def seconds(distance_m: int, rules: DispatchOptions) -> int:
    """Whole seconds for a straight-line distance, rounded up."""
    return math.ceil(distance_m * rules.detour_factor / rules.speed_mps)


def ride_s(lat_a: float, lon_a: float, lat_b: float, lon_b: float, rules: DispatchOptions) -> int:
    """Whole seconds from one point to another."""
    return seconds(metres(lat_a, lon_a, lat_b, lon_b), rules)


class Service:
    """How a stop's service time lies around its moment: half of it before the handover, half after (the convention of
    the meal-delivery instances, Reyes et al. 2018). Milliseconds."""

    __slots__ = ("after_dropoff", "after_pickup", "before_dropoff", "before_pickup")

    def __init__(self, rules: DispatchOptions) -> None:
        self.before_pickup = rules.pickup_service_s // 2 * 1000
        self.after_pickup = (rules.pickup_service_s - rules.pickup_service_s // 2) * 1000
        self.before_dropoff = rules.dropoff_service_s // 2 * 1000
        self.after_dropoff = (rules.dropoff_service_s - rules.dropoff_service_s // 2) * 1000

    def pickup_ms(self, arrive_ms: int, ready_ms: int) -> int:
        """When the food changes hands at the shop."""
        return max(ready_ms, arrive_ms + self.before_pickup)

    def dropoff_ms(self, pickup_ms: int, ride_s: int) -> int:
        """When it changes hands at the door."""
        return pickup_ms + self.after_pickup + ride_s * 1000 + self.before_dropoff

    def free_ms(self, dropoff_ms: int) -> int:
        """When the rider can leave the door."""
        return dropoff_ms + self.after_dropoff
