"""The outage drawn: what waited, in bytes and windows, and what users noticed, over the real seconds of the run."""

from collections.abc import Sequence
from typing import Any, Final

from ..drawing import GRID, SERIES, WIDTH, Axis, Scale, line, page, text, up

_LEFT: Final = 70
_RIGHT: Final = 20
_PANEL: Final = 130
_GAP: Final = 46
_TOP: Final = 60
_CUT: Final = "#f4e3d3"


def outage_plot(report: dict[str, Any]) -> str:
    """Three panels over one time axis: backlog in kB, unnumbered windows, p99 of each second's orders (logarithmic).
    Shaded: the uplink is cut. Dotted upright lines: kill -9 of the node."""
    seen = report["timeline"]
    last = max([*seen["s"], *seen["p99_s"], 1.0])
    width = WIDTH - _LEFT - _RIGHT

    def at(second: float) -> float:
        return round(_LEFT + second / last * width, 1)

    height = _TOP + 3 * (_PANEL + _GAP)
    words = (
        f"{report['minutes_offline'] / 60:g} h of the day without uplink, {report['plan']['speed']:g} times real speed"
    )
    parts = [text(10, 22, words, size=14), text(10, 40, "real seconds from the first order", colour="#666666")]
    panels: list[tuple[str, Sequence[float], Sequence[float], str]] = [
        ("waiting for the centre, kB", seen["s"], [value / 1000 for value in seen["backlog_bytes"]], SERIES[0]),
        ("windows without a number", seen["s"], seen["windows"], SERIES[3]),
        ("order to rider, p99 of each second, ms", seen["p99_s"], seen["p99_ms"], SERIES[1]),
    ]
    for number, (title, xs, ys, colour) in enumerate(panels):
        top = _TOP + number * (_PANEL + _GAP) + 14
        bottom = top + _PANEL
        parts += [
            f'<rect x="{at(cut)}" y="{top}" width="{at(back) - at(cut):.1f}" height="{_PANEL}" fill="{_CUT}"/>'
            for cut, back in seen["cuts"]
        ]
        axis = Axis(ys, bottom, top) if number == 2 else Scale(max([*ys, 1.0]), bottom, top)
        parts += up(axis, _LEFT, WIDTH - _RIGHT)
        parts.append(text(_LEFT, top - 6, title, colour=colour))
        parts += [
            f'<path d="M{at(kill)} {top} V{bottom}" stroke="{SERIES[5]}" stroke-dasharray="2 3"/>'
            for kill in seen["kills"]
        ]
        points = " ".join(f"{at(x)},{axis.at(y)}" for x, y in zip(xs, ys, strict=True))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.2"/>')
        if number == 2:
            for tick in Scale(last, _LEFT, WIDTH - _RIGHT).ticks():
                parts.append(line(at(tick), bottom, at(tick), bottom + 4, GRID))
                parts.append(text(at(tick), bottom + 18, f"{tick:g}", anchor="middle"))
    return page(height, parts)
