"""Plots by hand: SVG needs no library for a few bars and lines, and opens everywhere.

A plot uses INK, GRID and PAPER for what is not data, so that the report's page can give them the reader's theme.
"""

import math
from collections.abc import Iterable
from html import escape
from typing import Final

INK: Final = "#222222"
GRID: Final = "#dddddd"
PAPER: Final = "white"
WIDTH: Final = 760
SERIES: Final = ("#2f6f9f", "#b5651d", "#777777", "#5b8c5a", "#8a5a9e", "#b3261e")
"""Colours of what is compared, Doorstep first."""

QUANTILE_COLOURS: Final = {"p50": "#2f6f9f", "p99": "#8fb8d6", "p999": "#d3e3ee"}


class Axis:
    """A logarithmic one, from `begin` to `end` in the drawing. `low` and `high` are powers of ten around the values."""

    def __init__(self, values: Iterable[float], begin: float, end: float) -> None:
        real = [value for value in values if value > 0] or [1.0]
        self.low = math.floor(math.log10(min(real)))
        self.high = max(math.ceil(math.log10(max(real))), self.low + 1)
        self._begin, self._end = begin, end

    def at(self, value: float) -> float:
        """Where a value lies."""
        share = (math.log10(max(value, 10.0**self.low)) - self.low) / (self.high - self.low)
        return round(self._begin + share * (self._end - self._begin), 1)

    def ticks(self) -> list[float]:
        """The powers of ten."""
        return [10.0**exponent for exponent in range(self.low, self.high + 1)]


TINY: Final = 1e-300
"""Below this a step of the axis could not be distinguished from nothing."""


class Scale:
    """A linear axis from 0, which holds `high`."""

    def __init__(self, high: float, begin: float, end: float) -> None:
        step = 10.0 ** math.floor(math.log10(high)) if high > TINY else 1.0
        self._step = next(size * step for size in (0.2, 0.5, 1.0, 2.0) if high / (size * step) <= 6)
        self._high = max(high, self._step)
        self._begin, self._end = begin, end

    def at(self, value: float) -> float:
        """Where a value lies."""
        return round(self._begin + value / self._high * (self._end - self._begin), 1)

    def ticks(self) -> list[float]:
        """Round values from 0 on."""
        return [number * self._step for number in range(int(self._high / self._step + 1e-9) + 1)]


def page(height: float, parts: Iterable[str], width: int = WIDTH) -> str:
    """The whole drawing."""
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="sans-serif">\n<rect width="100%" height="100%" fill="{PAPER}"/>\n{body}\n</svg>\n'
    )


def text(x: float, y: float, words: str, anchor: str = "start", size: int = 12, colour: str = INK) -> str:
    """Words at a place."""
    return f'<text x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}" fill="{colour}">{escape(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, colour: str = GRID) -> str:
    """From one point to another."""
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{colour}"/>'


def bar(x: float, y: float, width: float, height: float, colour: str, title: str) -> str:
    """A rectangle with a tooltip."""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 1):.1f}" height="{height:g}" fill="{colour}">'
        f"<title>{escape(title)}</title></rect>"
    )


def dot(x: float, y: float, colour: str, title: str, filled: bool = True) -> str:
    """A point with a tooltip."""
    fill = colour if filled else "none"
    mark = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" stroke="{colour}" fill="{fill}">'
    return f"{mark}<title>{escape(title)}</title></circle>"


def across(axis: Axis | Scale, top: float, bottom: float) -> list[str]:
    """Vertical grid lines with their values below."""
    parts: list[str] = []
    for tick in axis.ticks():
        parts.append(line(axis.at(tick), top, axis.at(tick), bottom))
        parts.append(text(axis.at(tick), bottom + 16, f"{tick:g}", anchor="middle"))
    return parts


def up(axis: Axis | Scale, left: float, right: float) -> list[str]:
    """Horizontal grid lines with their values to the left."""
    parts: list[str] = []
    for tick in axis.ticks():
        parts.append(line(left, axis.at(tick), right, axis.at(tick)))
        parts.append(text(left - 8, axis.at(tick) + 4, f"{tick:g}", anchor="end"))
    return parts
