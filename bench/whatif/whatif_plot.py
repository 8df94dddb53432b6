"""The report as a drawing: how many orders had arrived after so many minutes, and what the hours of the day were like.

A small drawing of its own: the benchmark's (`bench.drawing`) stays with the benchmarks, which no node needs.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from statistics import fmean
from typing import Final

from .day import Order, Outcome
from .report import door_s

Column = tuple[str, Mapping[str, Outcome]]
"""A title, and what became of each order."""

_INK: Final = "#222222"
_GRID: Final = "#dddddd"
_COLOURS: Final = ("#777777", "#2f6f9f", "#b5651d")
_WIDTH: Final = 760
_LEFT: Final = 64
_RIGHT: Final = 736
_HOUR_MS: Final = 3_600_000
_TICKS_MAX: Final = 9


def draw(orders: Sequence[Order], columns: Sequence[Column], late_after_s: int, when: Callable[[int], str]) -> str:
    """SVG. At most three columns, the recorded day first; `when` writes a time (Unix ms) for people."""
    parts: list[str] = []
    for index, (title, _) in enumerate(columns):
        x = _LEFT + index * 220
        parts.append(f'<rect x="{x}" y="16" width="14" height="4" fill="{_COLOURS[index]}"/>')
        parts.append(_text(x + 20, 22, title))
    parts += _arrivals(orders, columns, late_after_s, 70, 270)
    parts += _hours(orders, columns, when, 350, 520)
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} 570" width="{_WIDTH}" height="570" '
        f'font-family="sans-serif">\n<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n'
    )


def _arrivals(
    orders: Sequence[Order], columns: Sequence[Column], late_after_s: int, top: float, bottom: float
) -> list[str]:
    """The share of all orders that had been delivered after so many minutes. What never arrives is what is missing at
    the right-hand end."""
    times = [sorted(_minutes(orders, outcomes)) for _, outcomes in columns]
    late = late_after_s / 60
    step, high = _step(max([late * 1.2, *(column[-1] for column in times if column)]))
    at = _scale(0.0, high, _LEFT, _RIGHT)
    up = _scale(0.0, 100.0, bottom, top)
    parts = [_text(_LEFT, top - 14, "Orders at their door after so many minutes, per cent of all")]
    for share in (0, 25, 50, 75, 100):
        parts += [_line(_LEFT, up(share), _RIGHT, up(share)), _text(_LEFT - 8, up(share) + 4, f"{share}", "end")]
    for number in range(round(high / step) + 1):
        parts.append(_text(at(number * step), bottom + 18, f"{number * step:g}", "middle"))
    parts += [
        f'<line x1="{at(late)}" y1="{top}" x2="{at(late)}" y2="{bottom}" stroke="{_INK}" stroke-dasharray="3 3"/>',
        _text(at(late) + 4, bottom - 6, f"late: over {late:g} min"),
    ]
    for column, colour in zip(times, _COLOURS, strict=False):
        points = [(at(0.0), up(0.0))]
        for index, time in enumerate(column):
            points += [(at(time), points[-1][1]), (at(time), up(100.0 * (index + 1) / len(orders)))]
        points.append((_RIGHT, points[-1][1]))
        parts.append(_path(points, colour))
    return parts


def _hours(
    orders: Sequence[Order], columns: Sequence[Column], when: Callable[[int], str], top: float, bottom: float
) -> list[str]:
    """The mean of each hour's orders, by when they were placed."""
    first = min((order.placed_ms for order in orders), default=0) // _HOUR_MS
    last = max((order.placed_ms for order in orders), default=0) // _HOUR_MS + 1
    means: list[list[tuple[int, float]]] = []
    for _, outcomes in columns:
        by_hour: dict[int, list[float]] = {}
        for order in orders:
            time = door_s(order, outcomes.get(order.name))
            if time is not None:
                by_hour.setdefault(order.placed_ms // _HOUR_MS, []).append(time / 60)
        means.append([(hour, fmean(times)) for hour, times in sorted(by_hour.items())])
    step, high = _step(max((mean for column in means for _, mean in column), default=1.0))
    at = _scale(float(first), float(last), _LEFT, _RIGHT)
    up = _scale(0.0, high, bottom, top)
    parts = [_text(_LEFT, top - 14, "Click to door by the hour of the order, mean minutes of what was delivered")]
    for number in range(round(high / step) + 1):
        y = up(number * step)
        parts += [_line(_LEFT, y, _RIGHT, y), _text(_LEFT - 8, y + 4, f"{number * step:g}", "end")]
    for hour in range(first, last + 1, math.ceil((last - first) / _TICKS_MAX)):
        parts.append(_text(at(hour), bottom + 18, when(hour * _HOUR_MS), "middle"))
    for column, colour in zip(means, _COLOURS, strict=False):
        points = [(at(hour + 0.5), up(mean)) for hour, mean in column]
        parts.append(_path(points, colour))
        parts += [f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>' for x, y in points]
    return parts


def _minutes(orders: Sequence[Order], outcomes: Mapping[str, Outcome]) -> list[float]:
    times = (door_s(order, outcomes.get(order.name)) for order in orders)
    return [time / 60 for time in times if time is not None]


def _step(value: float) -> tuple[float, float]:
    """A round step for an axis that holds `value`, and the end of the axis."""
    size = 10.0 ** math.floor(math.log10(value)) if value > 0 else 1.0
    step = next(part * size for part in (0.2, 0.5, 1.0, 2.0) if value / (part * size) <= _TICKS_MAX)
    return step, step * max(1, math.ceil(value / step - 1e-9))


def _scale(low: float, high: float, begin: float, end: float) -> Callable[[float], float]:
    return lambda value: round(begin + (value - low) / (high - low) * (end - begin), 1)


def _text(x: float, y: float, words: str, anchor: str = "start") -> str:
    return f'<text x="{x}" y="{y}" font-size="12" text-anchor="{anchor}" fill="{_INK}">{escape(words)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{_GRID}"/>'


def _path(points: Sequence[tuple[float, float]], colour: str) -> str:
    path = " ".join(f"{x:g},{y:g}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>'
