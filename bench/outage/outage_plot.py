"""The plot of `outage`: what waited, in bytes and windows, and what users noticed, over the real seconds of the run."""

from typing import TYPE_CHECKING, Any

from ..plotting import CUT, SERIES, panels, plain_numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def outage_plot(report: dict[str, Any]) -> "Figure":
    """Backlog, windows without a number, and p99 of each second's orders, over one time axis."""
    seen, plan = report["timeline"], report["plan"]
    title = f"{report['minutes_offline'] / 60:g} h without uplink, {plan['speed']:g} times real speed"
    if "rate" in plan:
        title += f", {plan['rate']:g} orders/s"
    figure, found = panels(f"{title} (shaded: uplink cut; dashed: kill -9)", [1.9] * 3, share_x=True)
    backlog = [value / 1000 for value in seen["backlog_bytes"]]
    for axes, label, xs, ys, colour in zip(
        found,
        ("waiting for the\ncentre, kB", "windows without\na number", "order to rider, p99\nof each second, ms"),
        (seen["s"], seen["s"], seen["p99_s"]),
        (backlog, seen["windows"], seen["p99_ms"]),
        (SERIES[0], SERIES[3], SERIES[1]),
        strict=True,
    ):
        for cut, back in seen["cuts"]:
            axes.axvspan(cut, back, color=CUT, zorder=0)
        for kill in seen["kills"]:
            axes.axvline(kill, color=SERIES[5], linestyle="--", linewidth=1)
        axes.plot(xs, ys, color=colour)
        axes.set(ylabel=label)
    found[2].set(yscale="log", xlabel="real seconds from the first order")
    plain_numbers(found[2].yaxis)
    return figure
