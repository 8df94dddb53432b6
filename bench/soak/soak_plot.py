"""The plot of `soak`: memory, descriptors and disk of both processes over the minutes, with what went wrong."""

from typing import TYPE_CHECKING, Any, Final

from ..plotting import CUT, SERIES, legend_above, panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PANELS: Final = (("rss_mb", "resident memory, MB"), ("fds", "open descriptors"), ("disk_mb", "data folder, MB"))
_COLOURS: Final = {"node": SERIES[0], "centre": SERIES[1]}
_FAULTS: Final = {
    "kill_node": ("node killed", SERIES[0], "v"),
    "kill_centre": ("centre killed", SERIES[1], "v"),
    "storm": ("storm of reconnects", SERIES[4], "x"),
    "nonsense": ("malformed messages", SERIES[2], "."),  # as the report names this fault
}


def soak_plot(report: dict[str, Any]) -> "Figure":
    """A line for each process, broken where it was killed; faults stand above, cuts of the uplink are shaded."""
    faults = sum(report["faults"].values())
    title = f"{report['minutes']:g} minutes ({report['days']:g} days of the node's clock), {faults} faults"
    figure, (above, *found) = panels(f"{title}; shaded: uplink cut, grey: warm-up", [0.5, 1.8, 1.8, 1.8], share_x=True)
    for name, (words, colour, marker) in _FAULTS.items():
        minutes = [second / 60 for second, fault, _ in report["schedule"] if fault == name]
        above.plot(minutes, [list(_FAULTS).index(name)] * len(minutes), marker, color=colour, label=words)
    above.set_ylim(-0.6, len(_FAULTS) - 0.4)
    above.set_axis_off()
    legend_above(above)
    for axes, (what, label) in zip(found, _PANELS, strict=True):
        axes.axvspan(0, report["judged_from_s"] / 60, color="#f0f0f0", zorder=0)
        for second, fault, length_s in report["schedule"]:
            if fault == "cut":
                axes.axvspan(second / 60, (second + length_s) / 60, color=CUT, zorder=0)
        for name, series in report["timeline"].items():
            for number, (minutes, values) in enumerate(_lives(series, what)):
                axes.plot(minutes, values, color=_COLOURS[name], label=None if number else name)
        axes.set(ylabel=label, ylim=(0, None))
    found[0].legend(loc="lower right", ncols=2)
    found[-1].set(xlabel="minutes", xlim=(0, report["minutes"]))
    return figure


def _lives(series: dict[str, list[float]], what: str) -> list[tuple[list[float], list[float]]]:
    """Minutes and values of each life of a process."""
    lives: dict[float, tuple[list[float], list[float]]] = {}
    for second, life, value in zip(series["seconds"], series["life"], series[what], strict=True):
        minutes, values = lives.setdefault(life, ([], []))
        minutes.append(second / 60)
        values.append(value)
    return list(lives.values())
