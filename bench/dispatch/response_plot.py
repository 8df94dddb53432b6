"""Quality against response time, as a picture (SVG): what more thinking brings, and what waiting costs."""

import math
import textwrap
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from msgspec import Struct

from ..drawing import GRID, SERIES, WIDTH, dot, line, page, text
from .response import MINUTE_MS, THINK_MS, WAIT_MIN, Line, Pace, Point

PANEL: Final = 210
TOP: Final = 84
BETWEEN: Final = 64
LEFT, RIGHT = 64, WIDTH - 150
LINE_CHARS: Final = 132

ROLES: Final = (", couriers scarce", ", calm")


class _Range(Struct, frozen=True):
    """A linear axis that need not begin at 0."""

    low: float
    high: float
    step: float
    begin: float
    end: float

    def at(self, value: float) -> float:
        return round(self.begin + (value - self.low) / (self.high - self.low) * (self.end - self.begin), 1)

    def ticks(self) -> list[float]:
        return [self.low + number * self.step for number in range(round((self.high - self.low) / self.step) + 1)]


def svg(policy: str, pace: Pace, lines: Sequence[Line]) -> str:
    """Two panels, click-to-door and undelivered, over response time; a curve for each day."""
    bottom = TOP + 2 * PANEL + BETWEEN
    parts = [text(10, 24, f"{policy}: quality against response time", size=16)]
    for number, each in enumerate(lines):
        x = 10 + 230 * number
        role = ROLES[number] if len(lines) == len(ROLES) else ""
        parts += [dot(x + 5, 46, SERIES[number], each.name), text(x + 16, 50, f"{each.name}{role}")]
    if any(each.baseline for each in lines):
        hollow = "rolling-horizon, answers every 5 min"
        parts += [dot(475, 46, SERIES[2], hollow, filled=False), text(486, 50, hollow)]
    parts += _panel(TOP, "mean click-to-door, minutes", lines, [[p.ctd_mean or 0.0 for p in _all(o)] for o in lines])
    undelivered = [[p.undelivered_pct for p in _all(each)] for each in lines]
    parts += _panel(TOP + PANEL + BETWEEN, "undelivered, percent", lines, undelivered, from_zero=True)
    caption_text = textwrap.wrap(caption(pace, lines), LINE_CHARS)
    parts += [text(10, bottom + 56 + 16 * number, words, size=11) for number, words in enumerate(caption_text)]
    return page(bottom + 60 + 16 * len(caption_text), parts)


def caption(pace: Pace, lines: Sequence[Line]) -> str:
    """What the picture does not show by itself."""
    caption_text = (
        "Up to 8 s the policy thinks, which costs no time on the set's clock of whole minutes; at 60 s and 300 s an "
        "policy receives an order only at the next multiple of 1 and of 5 minutes, and all else goes on. "
    )
    if not pace.pass_ms:
        return caption_text + "This policy does not think longer where it may: one run stands for all times up to 8 s."
    most = max(point.decide_cpu_ms for each in lines for point in each.points)
    return caption_text + (
        f"Thinking time is converted to passes of the search, timed on this machine: a decision without any takes "
        f"{pace.least_ms:.2f} ms in the mean, each pass {pace.pass_ms:.2f} ms. The search ends when a pass finds "
        f"nothing, so that no run took more than {most:.2f} ms a decision in the mean."
    )


def _all(each: Line) -> list[Point]:
    return [*each.points, *([each.baseline] if each.baseline else [])]


def _panel(
    top: float, title: str, lines: Sequence[Line], series: Sequence[Sequence[float]], from_zero: bool = False
) -> list[str]:
    bottom = top + PANEL
    height = _range([value for values in series for value in values], bottom, top, from_zero)
    parts = [text(LEFT, top - 12, title, size=13)]
    for tick in height.ticks():
        parts.append(line(LEFT, height.at(tick), RIGHT, height.at(tick)))
        parts.append(text(LEFT - 8, height.at(tick) + 4, f"{tick:g}", anchor="end"))
    for ms in (*THINK_MS, *(minutes * MINUTE_MS for minutes in WAIT_MIN)):
        parts.append(line(_x(ms), top, _x(ms), bottom))
        parts.append(text(_x(ms), bottom + 16, _words(ms), anchor="middle"))
    border = (_x(THINK_MS[-1]) + _x(WAIT_MIN[0] * MINUTE_MS)) / 2
    parts.append(
        f'<line x1="{border:.1f}" y1="{top}" x2="{border:.1f}" y2="{bottom}" stroke="{GRID}" stroke-width="3"/>'
    )
    parts.append(text(border - 8, bottom + 32, "thinks", anchor="end", size=11))
    parts.append(text(border + 8, bottom + 32, "waits", size=11))
    ends: list[float] = []
    for each, values, colour in zip(lines, series, SERIES, strict=False):
        places = [(_x(p.response_ms), height.at(value)) for p, value in zip(each.points, values, strict=False)]
        for one, other in pairwise(places):
            parts.append(_stroke(one, other, colour))
        for point, value in zip(_all(each), values, strict=True):
            who = "rolling-horizon" if point is each.baseline else _words(point.response_ms)
            filled = point is not each.baseline
            caption_text = f"{each.name}, {who}: {value:.2f}"
            parts.append(dot(_x(point.response_ms), height.at(value), colour, caption_text, filled))
        y = places[-1][1] + 4
        y += next((14 if y >= taken else -14 for taken in ends if abs(taken - y) < 14), 0)
        ends.append(y)
        parts.append(text(RIGHT + 24, y, each.name, colour=colour, size=11))
    return parts


def _range(values: Sequence[float], begin: float, end: float, from_zero: bool) -> _Range:
    """Round values around all of them, at least one unit high."""
    low, high = (0.0 if from_zero else min(values)), max(values)
    span = max(high - low, 1.0)
    step = next(size for size in (0.2, 0.5, 1, 2, 5, 10, 20, 50) if span / size <= 6)
    first = math.floor(low / step) * step
    return _Range(first, max(math.ceil(high / step) * step, first + step), step, begin, end)


def _x(response_ms: float) -> float:
    low, high = math.log10(THINK_MS[0]), math.log10(WAIT_MIN[-1] * MINUTE_MS)
    return round(LEFT + 20 + (math.log10(response_ms) - low) / (high - low) * (RIGHT - LEFT - 20), 1)


def _words(ms: int) -> str:
    return f"{ms} ms" if ms < 1_000 else f"{ms // 1_000} s"


def _stroke(one: tuple[float, float], other: tuple[float, float], colour: str) -> str:
    return f'<line x1="{one[0]}" y1="{one[1]}" x2="{other[0]}" y2="{other[1]}" stroke="{colour}" stroke-width="2"/>'
