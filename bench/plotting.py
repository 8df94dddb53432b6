"""The look of every plot, and how one is written. Matplotlib, the extra `bench`, is loaded when a plot is drawn."""

import io
from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from edge.errors import DoorstepError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK: Final = "#222222"
SERIES: Final = ("#2f6f9f", "#b5651d", "#777777", "#5b8c5a", "#8a5a9e", "#b3261e")
"""Colours of what is compared, Doorstep first; the last one is also that of bounds and kills."""

MARKERS: Final = "os^Dvx"
QUANTILES: Final = {"p50": "#2f6f9f", "p99": "#b5651d", "p999": "#777777"}
CUT: Final = "#f4e3d3"
"""Behind the times at which the uplink is cut."""

WIDTH_IN: Final = 7.9
LONG_AXIS: Final = 5_000
"""From this ratio of its ends on, a logarithmic axis has room for powers of ten only."""

_DPI: Final = 110
_STYLE: Final[Any] = {
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.edgecolor": "#999999",
    "axes.labelcolor": INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.3,
    "lines.markersize": 5,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "doorstep",  # the same report is the same file
}

Draw = Callable[[], "Figure"]
"""Draws something. Hand it to `write` or `drawn`, which give it the style."""


def check_installed() -> None:
    """Raises DoorstepError with what to install."""
    if find_spec("matplotlib") is None:
        raise DoorstepError("Plots need matplotlib, which is not installed. Run: pip install 'doorstep[bench]'.")


def write(path: str, draw: Draw) -> None:
    """Draw into a file: PNG where its name ends so, else SVG. Raises DoorstepError."""
    Path(path).write_bytes(drawn(draw, "png" if path.lower().endswith(".png") else "svg"))


def drawn(draw: Draw, kind: str = "svg") -> bytes:
    """The content of a file of this kind. Raises DoorstepError."""
    check_installed()
    import matplotlib as mpl

    content = io.BytesIO()
    with mpl.rc_context(_STYLE):
        draw().savefig(content, format=kind, dpi=_DPI, metadata={} if kind == "png" else {"Date": None})
    if kind == "png":
        return content.getvalue()
    return b"".join(line.rstrip() + b"\n" for line in content.getvalue().splitlines())


def panels(title: str, heights_in: Sequence[float], share_x: bool = False) -> tuple["Figure", list["Axes"]]:
    """A figure with a panel of each height, one above the other. The title has what was asked for."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH_IN, sum(heights_in) + 0.35), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontsize=11)
    found = figure.subplots(len(heights_in), squeeze=False, sharex=share_x, height_ratios=heights_in)
    return figure, list(found[:, 0])


def plain_numbers(axis: Any) -> None:
    """A logarithmic axis with 0.5, 1, 20 … at its ticks; with powers of ten only where it is long."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low < LONG_AXIS else (1,), numticks=20))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))


def quantile_rows(axes: "Axes", rows: Sequence[tuple[str, dict[str, float]]], label: str) -> None:
    """A row of dots for each subject, p50, p99 and p99.9 where there is one, on one logarithmic axis."""
    for number, (_, row) in enumerate(rows):
        values = [row[name] for name in QUANTILES if row.get(name)]
        axes.plot(values, [number] * len(values), color="#bbbbbb", zorder=1)
    for (name, colour), marker in zip(QUANTILES.items(), MARKERS, strict=False):
        points = [(row[name], number) for number, (_, row) in enumerate(rows) if row.get(name)]
        if points:
            axes.plot(*zip(*points, strict=True), marker, color=colour, label=name.replace("p999", "p99.9"))
    axes.set(xscale="log", xlabel=label, yticks=range(len(rows)), yticklabels=[words for words, _ in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    plain_numbers(axes.xaxis)
    legend_above(axes)


def rate_points(axes: "Axes", tried: dict[str, list[dict[str, Any]]], dashed: Iterable[str] = ()) -> None:
    """p99 against the rate for each subject; hollow marks are rates that were not held."""
    thin = set(dashed)
    for (name, ones), colour, marker in zip(tried.items(), SERIES, MARKERS, strict=False):
        ordered = sorted((one for one in ones if one["p99"] > 0), key=lambda one: one["rate"])
        held = [one for one in ordered if one["held"]]
        axes.plot(*_columns(held), "--" if name in thin else "-", marker=marker, color=colour, label=name)
        failed = [one for one in ordered if not one["held"]]
        axes.plot(*_columns(failed), marker, color=colour, markerfacecolor="none")
    axes.set(xscale="log", yscale="log", xlabel="orders a second", ylabel="p99, order to rider, ms")
    plain_numbers(axes.xaxis)
    plain_numbers(axes.yaxis)
    legend_above(axes, columns=3)


def _columns(ones: list[dict[str, Any]]) -> tuple[list[float], list[float]]:
    return [one["rate"] for one in ones], [one["p99"] for one in ones]


def legend_above(axes: "Axes", columns: int = 4) -> None:
    """Names of the series in a line over the panel, where they cover nothing."""
    count = len(axes.get_legend_handles_labels()[1])
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=min(count, columns), borderaxespad=0.2, handlelength=1.4)
