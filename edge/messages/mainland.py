"""Where GCJ-02 applies: the mainland of China, as a coarse line. Pure.

After the 1:110m land borders of Natural Earth (public domain), thinned to about a degree, and drawn through the sea
where the coast is our own. Hong Kong, Macau, Taiwan and every neighbour lie outside; within some kilometres of a land
border it may be wrong, where no city of either side is.
"""

from typing import Final

_BORDER: Final = (
    # Liaoning to Guangxi, some ten kilometres out at sea
    *((124.4, 39.9), (123.6, 39.5), (122.2, 38.8), (121.0, 38.4), (122.9, 37.7), (122.9, 36.7), (121.0, 35.9)),
    *((120.0, 35.0), (121.3, 33.3), (122.3, 31.8), (123.0, 30.9), (122.9, 29.8), (122.2, 28.2), (120.6, 26.8)),
    *((119.85, 26.15), (119.9, 25.2), (118.9, 24.6), (118.55, 24.53), (118.15, 24.33), (117.0, 23.2), (115.5, 22.6)),
    # around Hong Kong and Macau
    *((114.6, 22.4), (114.45, 22.55), (114.24, 22.56), (114.15, 22.535), (114.05, 22.5), (113.88, 22.44)),
    *((113.75, 22.3), (113.6, 22.225), (113.545, 22.215), (113.53, 22.19), (113.53, 22.1), (113.7, 21.9)),
    *((112.5, 21.5), (111.3, 21.1), (111.3, 19.8), (110.7, 18.5), (109.5, 18.0), (108.4, 18.6), (108.4, 21.0)),
    # Vietnam to India
    *((107.95, 21.52), (106.6, 22.1), (106.7, 22.8), (105.35, 23.25), (103.97, 22.505), (102.5, 22.75), (101.65, 22.3)),
    *((101.8, 21.2), (101.15, 21.5), (100.1, 21.6), (99.2, 22.1), (99.5, 22.95), (98.75, 23.7), (97.6, 23.9)),
    *((97.7, 25.0), (98.65, 26.0), (98.5, 27.6), (97.4, 28.2), (96.2, 28.4), (94.6, 29.2), (92.5, 27.9), (91.0, 28.0)),
    *((89.5, 28.1), (88.8, 27.4), (88.1, 27.9), (86.0, 28.0), (84.2, 28.8), (82.3, 30.1), (81.2, 30.1), (78.8, 31.4)),
    # Kashmir to Mongolia
    *((78.6, 32.6), (78.9, 34.3), (76.2, 35.9), (75.0, 37.2), (74.9, 38.4), (73.8, 38.6), (73.7, 39.5), (74.8, 40.4)),
    *((76.5, 40.5), (78.5, 41.5), (80.2, 42.1), (80.25, 43.1), (80.6, 44.9), (82.4, 45.3), (83.1, 47.1), (85.6, 47.2)),
    *((85.8, 48.4), (87.4, 49.1), (88.0, 48.5), (90.2, 47.6), (91.0, 46.8), (90.8, 45.4), (93.5, 44.9), (95.4, 44.2)),
    *((96.4, 42.8), (99.5, 42.5), (101.8, 42.5), (104.0, 41.9), (105.0, 41.6), (107.5, 42.4), (110.4, 42.8)),
    *((111.9, 43.7), (111.4, 44.4), (112.0, 45.0), (114.2, 45.1), (116.6, 46.3), (119.7, 46.7), (118.8, 47.7)),
    *((116.0, 47.8), (115.5, 48.1), (116.7, 49.8), (117.9, 49.5), (119.3, 50.3)),
    # along Amur, Ussuri, Tumen and Yalu
    *((120.7, 52.0), (120.7, 52.6), (121.0, 53.2), (123.5, 53.5), (126.0, 52.7), (127.0, 51.2), (127.53, 50.272)),
    *((127.6, 49.9), (129.3, 49.4), (130.6, 48.8), (131.0, 47.7), (132.5, 47.75), (134.6, 48.35), (133.9, 46.3)),
    *(
        (133.1, 45.1),
        (131.8, 45.3),
        (131.05, 44.9),
        (131.25, 44.4),
        (131.2, 43.5),
        (130.5, 42.7),
        (129.8, 42.95),
        (128.1, 42.0),
    ),
    *((128.1, 41.4), (126.9, 41.8), (125.9, 40.9), (124.38, 40.1)),
)
"""Corners, degrees: longitude, latitude."""

_Side = tuple[float, float, float, float]


def _sides_by_degree() -> dict[int, list[_Side]]:
    """By whole degree of latitude, the sides of the line that pass through it: a point is compared with a handful, not
    with all of them. A side is its first corner (longitude, latitude), the latitude of its second one, and the degrees
    of longitude that it gains for each of latitude."""
    sides: dict[int, list[_Side]] = {}
    for (lon_a, lat_a), (lon_b, lat_b) in zip(_BORDER, (*_BORDER[1:], _BORDER[0]), strict=True):
        if lat_a != lat_b:  # a ray eastwards passes a side along a parallel by
            side = lon_a, lat_a, lat_b, (lon_b - lon_a) / (lat_b - lat_a)
            for degree in range(int(min(lat_a, lat_b)), int(max(lat_a, lat_b)) + 1):
                sides.setdefault(degree, []).append(side)
    return sides


_SIDES: Final = _sides_by_degree()


def in_mainland(lat: float, lon: float) -> bool:
    """Whether a point, degrees, lies inside."""
    inside = False
    for lon_a, lat_a, lat_b, slope in _SIDES.get(int(lat), ()):
        if (lat_a > lat) != (lat_b > lat) and lon < lon_a + (lat - lat_a) * slope:
            inside = not inside
    return inside
