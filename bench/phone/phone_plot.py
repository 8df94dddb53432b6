"""The drawing of `phone`: where the time goes."""

from typing import Any, Final

from ..drawing import SERIES, WIDTH, Scale, across, bar, line, page, text
from .district import BUDGET_MS, STAGES

_LEFT: Final = 250
_ROW: Final = 46
_COLOURS: Final = dict(zip(STAGES, (SERIES[2], SERIES[0], SERIES[4], SERIES[5], SERIES[1]), strict=True))


def phone_plot(report: dict[str, Any]) -> str:
    """For each network two bars of stages: the mean order, and the mean of the slowest hundredth; the 8 seconds."""
    networks = report["networks"]
    longest = max(sum(one["waterfall_ms"]["slowest"].values()) for one in networks)
    axis = Scale(max(longest, BUDGET_MS) * 1.02, _LEFT, WIDTH - 30)
    height = 80 + _ROW * len(networks) + 24
    parts = [text(10, 22, "from the tap to the rider's phone, in ms: the mean order, and the slowest 1 %", size=14)]
    x = 10.0
    for stage, colour in _COLOURS.items():
        parts += [bar(x, 34, 10, 10, colour, stage), text(x + 15, 43, stage)]
        x += 28 + 7.2 * len(stage)
    parts += across(axis, 60, height - 24)
    for number, one in enumerate(networks):
        top = 66 + _ROW * number
        times = one["phone_ms"]
        parts.append(text(10, top + 12, one["name"]))
        label_text = f"p50 {times['p50']:.0f}, p99 {times['p99']:.0f}, p99.9 {times['p999']:.0f}"
        parts.append(text(10, top + 27, label_text, size=11))
        for offset, which in ((0, "mean"), (16, "slowest")):
            at = 0.0
            for stage, colour in _COLOURS.items():
                length = one["waterfall_ms"][which][stage]
                begin, end = axis.at(at), axis.at(at + length)
                if length >= 0.05:
                    words = f"{one['name']}, {which}: {stage} {length:.1f} ms"
                    parts.append(bar(begin, top + offset, end - begin, 13, colour, words))
                at += length
    parts.append(line(axis.at(BUDGET_MS), 56, axis.at(BUDGET_MS), height - 24, SERIES[5]))
    parts.append(text(axis.at(BUDGET_MS), 52, "8 s", anchor="middle", size=11, colour=SERIES[5]))
    return page(height, parts)
