"""The plot of `scale`: logarithms on both axes, so that a power is a straight line."""

from typing import TYPE_CHECKING, Any

from ..plotting import MARKERS, SERIES, panels, plain_numbers
from .command import GROWN

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def scale_plot(report: dict[str, Any]) -> "Figure":
    """p50 and memory, each against the size; the exponents stand beside the names."""
    figure, found = panels("What a larger node costs, with the exponent of n that fits", [3.1, 3.1], share_x=True)
    for axes, cost, label in zip(found, ("p50", "memory"), ("p50, ms", "memory added, MB"), strict=True):
        for (what, field, words), colour, marker in zip(GROWN, SERIES, MARKERS, strict=False):
            rows = report[what]
            values = [row[field]["p50"] if cost == "p50" else row["memory_mb"] for row in rows]
            slope = report["exponents"].get(f"{what}_{cost}")
            fits = "no exponent" if slope is None else f"n^{slope:.2f}"
            axes.plot([row["size"] for row in rows], values, marker=marker, color=colour, label=f"{words}: {fits}")
        axes.set(xscale="log", yscale="log", ylabel=label)
        plain_numbers(axes.xaxis)
        plain_numbers(axes.yaxis)
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    found[-1].set_xlabel("riders, orders or connections")
    return figure
