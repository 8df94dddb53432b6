"""The plot of `peers`."""

from typing import TYPE_CHECKING, Any

from ..plotting import panels, rate_points

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def peers_plot(report: dict[str, Any]) -> "Figure":
    """p99 against the rate, for each peer."""
    plan = report["plan"]
    figure, (axes,) = panels(f"The same job, {plan['riders']:,} riders (hollow: not held)", [3.8])
    rate_points(axes, {peer["what"]: peer["tried"] for peer in report["peers"].values()})
    return figure
