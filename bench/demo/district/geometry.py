"""From the metres of an instance to degrees: instances are flat, riders' phones are not.

A local tangent plane, which the node's own straight-line distances invert to within 0.2 % over the size of a city.
"""

import math
from typing import Final

from msgspec import Struct

from edge.messages.envelope import Place

EARTH_RADIUS_M: Final = 6_371_008.8
"""Mean radius of the GRS 80 ellipsoid (Moritz, Geodetic Reference System 1980, 2000)."""

METRES_PER_DEGREE: Final = math.pi * EARTH_RADIUS_M / 180

CITY: Final = (31.2304, 121.4737)
"""Where the district's middle is put: (latitude, longitude), degrees."""


class Geometry(Struct, frozen=True):
    """A plane that touches the earth where (`x`, `y`) metres of the instance meet (`lat`, `lon`) degrees."""

    x: float
    y: float
    lat: float = CITY[0]
    lon: float = CITY[1]

    def place(self, x: float, y: float) -> Place:
        """The point (x, y), metres, in degrees."""
        lon_metres = METRES_PER_DEGREE * math.cos(math.radians(self.lat))
        return Place(lat=self.lat + (y - self.y) / METRES_PER_DEGREE, lon=self.lon + (x - self.x) / lon_metres)
