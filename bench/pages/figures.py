"""What the page shows of each report: its question, its tables, its drawing.

A report is a JSON object with the field `benchmark`. One of a name that is not listed here is shown too, with its plain
values and without a drawing, so that a new measurement is on the page from its first day.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from ..central.command import central_lines, central_tables
from ..flood.command import flood_lines, flood_tables
from ..flood.flood_plot import flood_plot
from ..footprint.command import footprint_tables
from ..footprint.footprint_plot import footprint_plot
from ..labels.command import labels_lines, labels_tables
from ..load.load_plot import latency_plot, throughput_plot
from ..load.screen import latency_lines, latency_tables, throughput_lines, throughput_tables
from ..outage.outage_plot import outage_plot
from ..outage.screen import outage_lines, outage_tables
from ..peers.command import peers_lines, peers_tables
from ..peers.peers_plot import peers_plot
from ..phone.command import phone_tables
from ..phone.phone_plot import phone_plot
from ..plotting import panels, quantile_rows
from ..scale.command import scale_tables
from ..scale.scale_plot import scale_plot
from ..soak.screen import soak_lines, soak_tables
from ..soak.soak_plot import soak_plot
from ..tables import Table, times

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Report = dict[str, Any]


class View(Struct, frozen=True):
    """How a kind of report is shown. `load` is what was asked for: it distinguishes two reports of one kind. `lines`
    stand under the tables."""

    title: str
    question: str
    tables: Callable[[Report], list[Table]]
    plot: "Callable[[Report], Figure] | None" = None
    load: Callable[[Report], str] | None = None
    lines: Callable[[Report], list[str]] = lambda _: []


def kind_of(report: Any) -> str:
    """The kind of a report; empty where it is none."""
    if not isinstance(report, dict):
        return ""
    if isinstance(report.get("benchmarks"), list) and "machine_info" in report:
        return "pieces"
    if {"instances", "mean"} <= report.keys():
        return "dispatch"
    if "decide_times" in report:
        return "decide-times"
    name = report.get("benchmark")
    return name if isinstance(name, str) else ""


def view_of(kind: str) -> View:
    """How to show it."""
    return VIEWS.get(kind) or View(kind, "", lambda report: [_plain(report)])


def _dispatch(report: Report) -> list[Table]:
    rows = [(name, "" if value is None else f"{value:,.2f}") for name, value in _scalars(report["mean"])]
    return [Table(f"mean over {len(report['instances'])} days", ("value",), rows)]


def _decide_times(report: Report) -> list[Table]:
    rows = [
        (f"{name.replace('x', ' x ')}", *times(one["decide_ms"], ("p50", "p99", "max")), f"{one['p99_max_ms']:g}")
        for name, one in report["decide_times"]["cases"].items()
    ]
    return [Table("open orders x riders", ("p50 ms", "p99 ms", "max ms", "p99 at most"), rows)]


def _pieces(report: Report) -> list[Table]:
    rows = [
        (
            str(one["name"]),
            *(f"{one['stats'][name] * 1e6:,.1f}" for name in ("min", "median", "mean")),
            f"{one['stats']['rounds']:,}",
        )
        for one in report["benchmarks"]
    ]
    return [Table("piece", ("min µs", "median µs", "mean µs", "rounds"), rows)]


def _pieces_plot(report: Report) -> "Figure":
    """The medians, in microseconds."""
    rows = [(str(one["name"]), {"p50": one["stats"]["median"] * 1e6}) for one in report["benchmarks"]]
    figure, (axes,) = panels("What each inner piece costs alone", [0.8 + 0.22 * len(rows)])
    quantile_rows(axes, rows, "median, µs")
    return figure


def _plain(report: Report) -> Table:
    rows = [(name, f"{value:,.4g}" if isinstance(value, float) else str(value)) for name, value in _scalars(report)]
    return Table("field", ("value",), rows)


def _scalars(values: Report, above: str = "") -> list[tuple[str, Any]]:
    """Plain values, also of objects inside; not those of lists, plans, machines and versions."""
    found: list[tuple[str, Any]] = []
    for name, value in values.items():
        if isinstance(value, dict) and name not in ("plan", "machine", "versions", "generator_late"):
            found += _scalars(value, f"{above}{name} ")
        elif value is None or isinstance(value, int | float | str):
            found.append((f"{above}{name}", value))
    return found


VIEWS: Final[dict[str, View]] = {
    "latency": View(
        "Latency",
        "How long from an order's due time until its rider has the assignment, which is on disk by then?",
        latency_tables,
        latency_plot,
        lambda report: f"{report['rate']:g}/s, {report['plan']['mode']}, {report['plan']['transport']}",
        latency_lines,
    ),
    "throughput": View(
        "Throughput",
        "How many orders a second, without loss?",
        throughput_tables,
        throughput_plot,
        lines=throughput_lines,
    ),
    "phone": View(
        "On the phone",
        "How long from the customer's tap to the rider's phone, over bad networks?",
        phone_tables,
        phone_plot,
    ),
    "scale": View("Scale", "What do more riders, orders and connections cost?", scale_tables, scale_plot),
    "footprint": View("Footprint", "What does a node take from its box?", footprint_tables, footprint_plot),
    "peers": View(
        "Peers",
        "The same job done by scripts, with and without SQLite, and by Node-RED: how do they do?",
        peers_tables,
        peers_plot,
        lambda report: f"{report['plan']['riders']:,} riders",
        peers_lines,
    ),
    "dispatch": View("Dispatch", "How good are the decisions on the public meal-delivery instances?", _dispatch),
    "decide-times": View("Time to decide", "How long does a decision take in a large district?", _decide_times),
    "outage": View(
        "Outage",
        "What do people notice while the uplink is cut, and does all of it reach the centre after?",
        outage_tables,
        outage_plot,
        lambda report: f"{report['minutes_offline'] / 60:g} h",
        outage_lines,
    ),
    "soak": View(
        "Soak",
        "Does anything grow, get lost or doubled in a long run with faults?",
        soak_tables,
        soak_plot,
        lines=soak_lines,
    ),
    "flood": View(
        "Flood", "What do others notice while one client sends all it can?", flood_tables, flood_plot, lines=flood_lines
    ),
    "central": View("Centre", "What does a centre store, and what does it cost?", central_tables, lines=central_lines),
    "labels": View("Shelf labels", "How long until a price is at its label?", labels_tables, lines=labels_lines),
    "pieces": View("Inner pieces", "What does each step inside the node cost alone?", _pieces, _pieces_plot),
}
"""In the sequence of the page."""
