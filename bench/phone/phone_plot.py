"""The plot of `phone`: where the time goes."""

from typing import TYPE_CHECKING, Any, Final

from ..plotting import SERIES, legend_above, panels
from .district import BUDGET_MS, STAGES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLOURS: Final = dict(zip(STAGES, (SERIES[2], SERIES[0], SERIES[4], SERIES[5], SERIES[1]), strict=True))
_HALF: Final = {"mean": 0.2, "slowest": -0.2}


def phone_plot(report: dict[str, Any]) -> "Figure":
    """For each network two bars of stages: the mean order, and the mean of the slowest hundredth; the 8 seconds."""
    networks = report["networks"]
    title = "From the tap to the rider's phone: the mean order (above) and the slowest 1 % (below)"
    figure, (axes,) = panels(title, [1.0 + 0.5 * len(networks)])
    for stage, colour in _COLOURS.items():
        for which, offset in _HALF.items():
            at = [-number + offset for number in range(len(networks))]
            lengths = [one["waterfall_ms"][which][stage] / 1000 for one in networks]
            before = [
                sum(one["waterfall_ms"][which][other] for other in STAGES[: STAGES.index(stage)]) / 1000
                for one in networks
            ]
            words = stage if which == "mean" else None
            axes.barh(at, lengths, height=0.34, left=before, color=colour, label=words)
    axes.axvline(BUDGET_MS / 1000, color=SERIES[5], linestyle="--", linewidth=1)
    axes.annotate("8 s", (BUDGET_MS / 1000, 0.5), (-3, 0), textcoords="offset points", ha="right", color=SERIES[5])
    names = [
        f"{one['name']}\np50 {one['phone_ms']['p50'] / 1000:.2f} s, p99 {one['phone_ms']['p99'] / 1000:.2f} s"
        for one in networks
    ]
    axes.set(xlabel="seconds", yticks=[-number for number in range(len(networks))], yticklabels=names)
    axes.set_ylim(-len(networks) + 0.5, 0.75)
    axes.grid(visible=False, axis="y")
    legend_above(axes, columns=len(STAGES))
    return figure
