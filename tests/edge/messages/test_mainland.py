"""Where GCJ-02 applies."""

import pytest

from edge.messages.mainland import in_mainland

INSIDE = {
    "Beijing": (39.9, 116.4),
    "Shanghai": (31.23, 121.47),
    "Zhoushan": (30.0, 122.2),
    "Xiamen": (24.48, 118.09),
    "Shenzhen, at the border": (22.548, 114.118),
    "Shekou": (22.48, 113.91),
    "Zhuhai, at the border": (22.225, 113.548),
    "Haikou": (20.04, 110.32),
    "Sanya": (18.25, 109.5),
    "Pingxiang": (22.1, 106.75),
    "Hekou": (22.53, 103.96),
    "Ruili": (24.01, 97.85),
    "Lhasa": (29.65, 91.1),
    "Kashgar": (39.47, 75.99),
    "Yining": (43.91, 81.32),
    "Erenhot": (43.65, 111.98),
    "Manzhouli": (49.6, 117.43),
    "Mohe": (52.97, 122.54),
    "Heihe": (50.25, 127.52),
    "Suifenhe": (44.4, 131.15),
    "Hunchun": (42.86, 130.36),
    "Dandong": (40.13, 124.38),
    "Dalian": (38.91, 121.6),
    "Qingdao": (36.07, 120.38),
    "Chengdu": (30.57, 104.07),
}
OUTSIDE = {
    "Hong Kong": (22.28, 114.16),
    "Sheung Shui": (22.5, 114.128),
    "Yuen Long": (22.445, 114.03),
    "Macau": (22.197, 113.54),
    "Taipei": (25.03, 121.56),
    "Kinmen": (24.43, 118.36),
    "Matsu": (26.16, 119.95),
    "Seoul": (37.57, 126.98),
    "Pyongyang": (39.03, 125.75),
    "Hanoi": (21.03, 105.85),
    "Lang Son": (21.85, 106.76),
    "Vladivostok": (43.12, 131.89),
    "Blagoveshchensk": (50.29, 127.53),
    "Ulan Bator": (47.92, 106.92),
    "Almaty": (43.24, 76.89),
    "Kathmandu": (27.72, 85.32),
    "Leh": (34.15, 77.58),
    "Myitkyina": (25.38, 97.4),
    "Luang Namtha": (21.0, 101.4),
    "Fukuoka": (33.6, 130.4),
    "Berlin": (52.5, 13.4),
    "Sydney": (-33.9, 151.2),
    "null island": (0.0, 0.0),
}


@pytest.mark.parametrize(
    ("place", "inside"), [*((name, True) for name in INSIDE), *((name, False) for name in OUTSIDE)]
)
def test_towns_on_either_side_of_the_border(place: str, inside: bool) -> None:
    """Towns at each border, and those of neighbours across it, are kept apart."""
    assert in_mainland(*(INSIDE | OUTSIDE)[place]) is inside
