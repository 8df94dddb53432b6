"""Quality against response time: what it costs customers that the node waits before it answers, as a picture (SVG)."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

from msgspec import Struct

from .scorer import Score

WAITS_MIN: Final = (1, 2, 5, 10)
"""Minutes between two answers. The set's times are whole minutes, so nothing below one can show in it."""

WIDTH, HEIGHT, LEFT, TOP, GAP = 360, 240, 60, 50, 90
COLOURS: Final = ("#b3261e", "#1c6dd0")


class Line(Struct, frozen=True):
    """One instance: its scores by minutes of waiting."""

    name: str
    scores: Mapping[int, Score]


def svg(policy: str, lines: Sequence[Line]) -> str:
    """Two panels, click-to-door and undelivered, over the minutes that an order may wait for its decision."""
    panels = (
        ("mean click-to-door, minutes", [_values(line, "ctd_mean") for line in lines]),
        ("undelivered, percent", [_values(line, "undelivered_pct") for line in lines]),
    )
    width, height = LEFT + 2 * WIDTH + GAP + 30, TOP + HEIGHT + 90
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif">',
        "<style>text { font-size: 12px }</style>",
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{LEFT}" y="20">{escape(policy)}: quality against response time</text>',
    ]
    for index, (title, series) in enumerate(panels):
        parts += _panel(LEFT + index * (WIDTH + GAP), title, series)
    for index, line in enumerate(lines):
        x = LEFT + index * 220
        parts.append(f'<rect x="{x}" y="{TOP + HEIGHT + 60}" width="12" height="12" fill="{COLOURS[index]}"/>')
        parts.append(f'<text x="{x + 18}" y="{TOP + HEIGHT + 71}">{escape(line.name)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _values(line: Line, field: str) -> list[float]:
    return [getattr(score, field) or 0.0 for score in line.scores.values()]


def _panel(left: int, title: str, series: Sequence[Sequence[float]]) -> list[str]:
    low = min(min(values) for values in series)
    high = max(max(values) for values in series)
    span = max(high - low, 1.0)

    def x(index: int) -> float:
        return left + index * WIDTH / (len(WAITS_MIN) - 1)

    def y(value: float) -> float:
        return TOP + HEIGHT - (value - low) / span * HEIGHT

    parts = [f'<text x="{left}" y="{TOP - 12}">{title}</text>']
    for step in range(5):
        value = low + span * step / 4
        parts.append(f'<line x1="{left}" x2="{left + WIDTH}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.1f}</text>')
    for index, wait in enumerate(WAITS_MIN):
        parts.append(f'<text x="{x(index):.1f}" y="{TOP + HEIGHT + 20}" text-anchor="middle">{wait}</text>')
    parts.append(f'<text x="{left + WIDTH}" y="{TOP + HEIGHT + 40}" text-anchor="end">minutes between answers</text>')
    for colour, values in zip(COLOURS, series, strict=False):
        points = " ".join(f"{x(index):.1f},{y(value):.1f}" for index, value in enumerate(values))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [
            f'<circle cx="{p.split(",")[0]}" cy="{p.split(",")[1]}" r="3" fill="{colour}"/>' for p in points.split()
        ]
    return parts
