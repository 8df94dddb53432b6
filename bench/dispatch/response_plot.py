"""The plot of quality against response time: what more thinking brings, and what waiting costs."""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from ..plotting import MARKERS, SERIES, legend_above, panels
from .response import MINUTE_MS, THINK_MS, WAIT_MIN, Line, Pace

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CAPTION_CHARS: Final = 125
ROLES: Final = (", couriers scarce", ", calm")


def response_plot(policy: str, pace: Pace, lines: Sequence[Line]) -> "Figure":
    """Two panels, click-to-door and undelivered, over response time; a curve for each day."""
    caption_lines = textwrap.wrap(caption(pace, lines), CAPTION_CHARS)
    figure, found = panels(f"{policy}: quality against response time", [2.4, 2.4], share_x=True)
    for axes, label in zip(found, ("click-to-door, mean minutes", "undelivered, %"), strict=True):
        for number, (each, colour, marker) in enumerate(zip(lines, SERIES, MARKERS, strict=False)):
            role = ROLES[number] if len(lines) == len(ROLES) else ""
            points = [*each.points, *([each.baseline] if each.baseline else [])]
            values = [p.undelivered_pct if "undelivered" in label else p.ctd_mean or 0.0 for p in points]
            xs = [p.response_ms for p in each.points]
            axes.plot(xs, values[: len(xs)], marker=marker, color=colour, label=f"{each.name}{role}")
            if each.baseline:
                hollow = "rolling-horizon, answers every 5 min" if not number else None
                axes.plot(
                    each.baseline.response_ms, values[-1], marker, color=colour, markerfacecolor="none", label=hollow
                )
        axes.axvline((THINK_MS[-1] * WAIT_MIN[0] * MINUTE_MS) ** 0.5, color="#999999", linewidth=2)
        axes.set(xscale="log", ylabel=label)
    times = [*THINK_MS, *(minutes * MINUTE_MS for minutes in WAIT_MIN)]
    found[1].set(
        ylim=(0, max(1.0, found[1].get_ylim()[1])),
        xlabel="response time (left of the bar it thinks, right of it it waits)",
    )
    found[1].set_xticks(times, [f"{ms} ms" if ms < 1_000 else f"{ms // 1_000} s" for ms in times])
    found[1].minorticks_off()
    legend_above(found[0])
    figure.supxlabel("\n".join(caption_lines), x=0.01, ha="left", fontsize=8)
    return figure


def caption(pace: Pace, lines: Sequence[Line]) -> str:
    """What the picture does not show by itself."""
    words = (
        "Up to 8 s the policy thinks, which costs no time on the set's clock of whole minutes; at 60 s and 300 s a "
        "policy receives an order only at the next multiple of 1 and of 5 minutes, and all else goes on. "
    )
    if not pace.pass_ms:
        return words + "This policy does not think longer where it may: one run stands for all times up to 8 s."
    most = max(point.decide_cpu_ms for each in lines for point in each.points)
    return words + (
        f"Thinking time is converted to passes of the search, timed on this machine: a decision without any takes "
        f"{pace.least_ms:.2f} ms in the mean, each pass {pace.pass_ms:.2f} ms. The search ends when a pass finds "
        f"nothing, so that no run took more than {most:.2f} ms a decision in the mean."
    )
