"""The plot of `flood`."""

from typing import TYPE_CHECKING, Any, Final

from ..plotting import MARKERS, SERIES, legend_above, panels, plain_numbers
from .measure import PHASES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WORDS: Final = {"before": "calm", "during": "flood", "sink": "the same flood into a sink"}


def flood_plot(report: dict[str, Any]) -> "Figure":
    """The 99th percentile of everybody else in each phase of each flood."""
    plan, floods = report["plan"], report["floods"]
    load = f"{plan['rate']:g} orders/s, {plan['seconds']:g} s a phase, up to {plan['megabytes_per_s']:g} MB/s"
    figure, (axes,) = panels(f"Others beside one client's flood: {load}", [0.8 + 0.27 * len(floods)])
    for phase, colour, marker in zip(PHASES, (SERIES[2], SERIES[0], SERIES[1]), MARKERS, strict=False):
        values = [flood[f"p99_{phase}_ms"] for flood in floods.values()]
        axes.plot(values, range(len(floods)), marker, color=colour, label=_WORDS[phase])
    names = [f"{name}  × {flood['ratio']:.2f}" for name, flood in floods.items()]
    axes.set(xscale="log", xlabel="p99, order to rider, ms", yticks=range(len(floods)), yticklabels=names)
    axes.set_ylim(len(floods) - 0.5, -0.5)
    plain_numbers(axes.xaxis)
    legend_above(axes)
    return figure
