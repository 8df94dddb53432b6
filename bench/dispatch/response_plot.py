"""The plot of quality against response time: what waiting costs."""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from ..plotting import MARKERS, SERIES, legend_above, panels
from .response import WAIT_MIN, Line, Point

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CAPTION_CHARS: Final = 125
ROLES: Final = (", couriers scarce", ", calm")
CAPTION: Final = (
    "The policy receives an order at once, or at the next multiple of 1 and of 5 minutes, and plans on with all else. "
    "The published method (hollow) decides in rounds of 1 and of 5 minutes."
)


def response_plot(policy: str, lines: Sequence[Line]) -> "Figure":
    """Two panels, click-to-door and undelivered, over response time; a curve for each day."""
    caption_lines = textwrap.wrap(CAPTION, CAPTION_CHARS)
    figure, found = panels(f"{policy}: quality against response time", [2.4, 2.4], share_x=True)
    for axes, label in zip(found, ("click-to-door, mean minutes", "undelivered, %"), strict=True):
        for number, (each, colour, marker) in enumerate(zip(lines, SERIES, MARKERS, strict=False)):
            role = ROLES[number] if len(lines) == len(ROLES) else ""
            axes.plot(*_curve(each.points, label), marker=marker, color=colour, label=f"{each.name}{role}")
            if each.baseline:
                hollow = "rolling-horizon" if not number else None
                xs, ys = _curve(each.baseline, label)
                axes.plot(xs, ys, marker=marker, color=colour, linestyle=":", markerfacecolor="none", label=hollow)
        axes.set(ylabel=label)
    found[1].set(
        ylim=(0, max(1.0, found[1].get_ylim()[1])), xlabel="minutes until the policy receives an order, at most"
    )
    found[1].set_xticks(list(WAIT_MIN))
    legend_above(found[0])
    figure.supxlabel("\n".join(caption_lines), x=0.01, ha="left", fontsize=8)
    return figure


def _curve(points: Sequence[Point], label: str) -> tuple[list[int], list[float]]:
    values = [each.undelivered_pct if "undelivered" in label else each.ctd_mean or 0.0 for each in points]
    return [each.waits_min for each in points], values
