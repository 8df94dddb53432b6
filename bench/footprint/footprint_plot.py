"""The plot of `footprint`: memory, and what the disk holds."""

from typing import TYPE_CHECKING, Any

from ..plotting import SERIES, panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def footprint_plot(report: dict[str, Any]) -> "Figure":
    """Two groups of bars, in MB."""
    plan, full, installed = report["plan"], report["full_house"], report["installed"]
    memory = {
        "idle": report["idle"]["rss_mb"],
        f"after {plan['hours']:g} h, {report['after_hour']['orders']:,} orders": report["after_hour"]["rss_mb"],
        f"{full['riders']:,} riders, {full['orders_open']:,} orders open": full["rss_mb"],
    }
    rest = installed["total_mb"] - sum(installed["largest_mb"].values())
    disk = {**installed["largest_mb"], "the others": round(rest, 1)}
    groups = (("resident memory, MB", memory, SERIES[0]), ("installed, MB", disk, SERIES[1]))
    title = f"Footprint: a day's load for {plan['hours']:g} h, {plan['speed']:g} times faster"
    figure, found = panels(title, [0.6 + 0.24 * len(rows) for _, rows, _ in groups])
    for axes, (label, rows, colour) in zip(found, groups, strict=True):
        bars = axes.barh(list(rows), list(rows.values()), color=colour, height=0.7)
        axes.bar_label(bars, fmt="{:g}", padding=3)
        axes.set(xlabel=label)
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
    return figure
