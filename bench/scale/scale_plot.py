"""The drawing of `scale`: logarithms on both axes, so that a power is a straight line."""

from itertools import pairwise
from typing import Any, Final

from ..drawing import SERIES, WIDTH, Axis, across, dot, line, page, text, up

_PARTS: Final = (
    ("riders", "decide_ms", "riders on the map"),
    ("carried", "decide_ms", "orders under way"),
    ("waiting", "decide_ms", "orders waiting in vain"),
    ("clients", "ms", "connections, order to rider"),
)
_HEIGHT: Final = 340


def scale_plot(report: dict[str, Any]) -> str:
    """p50 in ms, then MB, each against the size; the exponents stand beside the names."""
    parts: list[str] = []
    for number, (title, cost) in enumerate((("p50 in ms", "p50"), ("memory added, MB", "memory"))):
        parts += _panel(report, title, cost, number * (_HEIGHT + 30))
    return page(2 * (_HEIGHT + 30), parts)


def _panel(report: dict[str, Any], title: str, cost: str, top: int) -> list[str]:
    series = {
        what: [(row["size"], row[field]["p50"] if cost == "p50" else row["memory_mb"]) for row in report[what]]
        for what, field, _ in _PARTS
    }
    every = [point for points in series.values() for point in points]
    bottom, right = top + _HEIGHT - 20, WIDTH - 250
    sizes = Axis([size for size, _ in every], 60, right)
    costs = Axis([value for _, value in every], bottom, top + 40)
    parts = [text(10, top + 22, f"{title}, against the number of …", size=14)]
    parts += [*across(sizes, top + 40, bottom), *up(costs, 60, right)]
    for number, ((what, _, words), colour) in enumerate(zip(_PARTS, SERIES, strict=False)):
        slope = report["exponents"].get(f"{what}_{cost}")
        y = top + 60 + 40 * number
        parts.append(text(right + 16, y, words, colour=colour))
        parts.append(text(right + 16, y + 15, "no exponent" if slope is None else f"n^{slope:.2f}", size=11))
        places = [(sizes.at(size), costs.at(value)) for size, value in series[what]]
        parts += [line(*one, *next_, colour) for one, next_ in pairwise(places)]
        for (x, y_at), (size, value) in zip(places, series[what], strict=True):
            parts.append(dot(x, y_at, colour, f"{size:,} {words}: {value:g}"))
    return parts
