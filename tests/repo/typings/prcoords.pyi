# Types of the functions of prcoords 1.0 that Doorstep calls; the library has none of its own.

from typing import NamedTuple

class Coords(NamedTuple):
    lat: float
    lon: float

def wgs_gcj(wgs: Coords, check_china: bool = True) -> Coords: ...
def gcj_wgs(gcj: Coords, check_china: bool = True) -> Coords: ...
