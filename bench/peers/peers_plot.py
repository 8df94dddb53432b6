"""The plot of `peers`."""

from typing import TYPE_CHECKING, Any

from ..plotting import panels, rate_points

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def peers_plot(report: dict[str, Any]) -> "Figure":
    """p99 against the rate, for each peer, in the rounds (medians) and in the search."""
    plan, peers = report["plan"], report["peers"].values()
    load = f"{plan['riders']:,} riders, {plan['clients']:,} clients"
    figure, (axes,) = panels(f"The same job: {load} (dashed: keeps nothing; hollow: not held)", [3.8])
    points = {peer["what"]: [*_rounds(peer), *peer["tried"]] for peer in peers}
    rate_points(axes, points, dashed=[peer["what"] for peer in peers if not peer["durable"]])
    return figure


def _rounds(peer: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"rate": float(rate), "p99": at["p99"], "held": not at["lost"] and not at["fell_behind"]}
        for rate, at in peer["at"].items()
    ]
