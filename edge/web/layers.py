"""The map of the district as it is now. It leaves the process for the operator's page only, and is never stored."""

from collections.abc import Mapping
from typing import Any, Final

from ..core.scenario import Dot

MAP_POINTS_MAX: Final = 5_000
"""Riders, shops and orders drawn on the status page; beyond it the page shows the number left out."""


def bounded(layers: Mapping[str, list[Dot]]) -> dict[str, Any]:
    """`{"left_out": {layer: n}, layer: [Dot]}` with at most MAP_POINTS_MAX points: the last layer first, since it is
    what waits, then the others. The page expects the layers `shops`, `riders` and `orders`."""
    room = MAP_POINTS_MAX
    shown: dict[str, list[Dot]] = {"shops": [], "riders": [], "orders": []}
    left_out = dict.fromkeys(shown, 0)
    for name in reversed(list(layers)):
        points = layers[name]
        shown[name] = points[:room]
        left_out[name] = len(points) - len(shown[name])
        room -= len(shown[name])
    return {**shown, "left_out": left_out}
