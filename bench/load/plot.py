"""Plots by hand: SVG needs no library for a few bars and lines, and opens everywhere."""

import math
from html import escape
from typing import Any, Final

_WIDTH: Final = 760
_LEFT: Final = 210
_RIGHT: Final = 40
_COLOURS: Final = {"p50": "#2f6f9f", "p99": "#8fb8d6", "p999": "#d3e3ee"}
_SUBJECTS: Final = {"doorstep": "#2f6f9f", "mosquitto": "#b5651d", "floor": "#777777"}


class _Axis:
    """A logarithmic one. `low` and `high` are powers of ten around the values."""

    def __init__(self, values: list[float], begin: float, end: float) -> None:
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


def latency_plot(report: dict[str, Any]) -> str:
    """Bars of p50, p99 and p99.9 for each subject and each stage of the node, in milliseconds."""
    rows: list[tuple[str, dict[str, float]]] = [
        ("bare echo", report["floor_ms"]),
        ("one fdatasync", report["fsync_ms"]),
        ("echo through Mosquitto", report["mosquitto_ms"]),
        ("Doorstep", report["doorstep_ms"]),
        *((f"  node: {name}", stage) for name, stage in report["stages_ms"].items()),
    ]
    axis = _Axis([row[name] for _, row in rows for name in _COLOURS if name in row], _LEFT, _WIDTH - _RIGHT)
    height = 70 + 34 * len(rows)
    parts = [_text(10, 22, f"{report['rate']:g} orders/s: p50, p99, p99.9 in ms (medians over rounds)", size=14)]
    for tick in axis.ticks():
        parts.append(_line(axis.at(tick), 36, axis.at(tick), height - 24, "#dddddd"))
        parts.append(_text(axis.at(tick), height - 8, f"{tick:g}", anchor="middle"))
    for number, (words, row) in enumerate(rows):
        top = 44 + 34 * number
        parts.append(_text(10, top + 16, words))
        for offset, name in enumerate(name for name in _COLOURS if name in row):
            width = max(axis.at(row[name]) - _LEFT, 1)
            parts.append(
                f'<rect x="{_LEFT}" y="{top + 8 * offset}" width="{width:.1f}" height="7" fill="{_COLOURS[name]}">'
                f"<title>{escape(words.strip())} {name}: {row[name]:g} ms</title></rect>"
            )
    return _page(height, parts)


def throughput_plot(report: dict[str, Any]) -> str:
    """p99 against the rate, for each subject, on logarithmic axes; hollow points are rates that were not held."""
    tried = {name: report[name]["tried"] for name in _SUBJECTS}
    every = [one for ones in tried.values() for one in ones]
    height = 420
    across = _Axis([one["rate"] for one in every], 60, _WIDTH - _RIGHT)
    up = _Axis([one["p99"] for one in every], height - 40, 60)
    parts = [_text(10, 22, "p99 in ms against orders a second", size=14)]
    for tick in across.ticks():
        parts.append(_line(across.at(tick), 60, across.at(tick), height - 40, "#dddddd"))
        parts.append(_text(across.at(tick), height - 22, f"{tick:g}", anchor="middle"))
    for tick in up.ticks():
        parts.append(_line(60, up.at(tick), _WIDTH - _RIGHT, up.at(tick), "#dddddd"))
        parts.append(_text(52, up.at(tick) + 4, f"{tick:g}", anchor="end"))
    for number, (name, ones) in enumerate(tried.items()):
        colour = _SUBJECTS[name]
        parts.append(_text(70 + 130 * number, 48, name, colour=colour))
        for one in ones:
            fill = colour if one["held"] else "none"
            parts.append(
                f'<circle cx="{across.at(one["rate"])}" cy="{up.at(one["p99"])}" r="4" stroke="{colour}" fill="{fill}">'
                f"<title>{name}: {one['rate']:.0f}/s, p99 {one['p99']:g} ms {escape(one['why'])}</title></circle>"
            )
    return _page(height, parts)


def _page(height: int, parts: list[str]) -> str:
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" '
        f'font-family="sans-serif">\n<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n'
    )


def _text(x: float, y: float, words: str, anchor: str = "start", size: int = 12, colour: str = "#222222") -> str:
    return f'<text x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}" fill="{colour}">{escape(words)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{colour}"/>'
