"""The plots of `latency` and `throughput`."""

from typing import TYPE_CHECKING, Any, Final

from ..plotting import panels, quantile_rows, rate_points

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SUBJECTS: Final = {
    "doorstep": "Doorstep",
    "mosquitto": "echo through Mosquitto",
    "floor": "bare echo",
    "packets": "the same packets",
}


def latency_plot(report: dict[str, Any]) -> "Figure":
    """p50, p99 and p99.9 of each subject and of each stage of the node."""
    rows: list[tuple[str, dict[str, float]]] = [
        ("bare echo", report["floor_ms"]),
        ("one fdatasync", report["fsync_ms"]),
        ("echo through Mosquitto", report["mosquitto_ms"]),
        *([("node's packets, on disk", report["packets_ms"])] if "packets_ms" in report else []),
        ("Doorstep", report["doorstep_ms"]),
        *((f"node: {name}", stage) for name, stage in report["stages_ms"].items()),
    ]
    plan = report["plan"]
    asked = f"{report['rate']:g} orders/s, {plan['clients']} clients, {plan['mode']}, {plan['transport']}"
    figure, (axes,) = panels(f"Order to rider: {asked}", [0.8 + 0.27 * len(rows)])
    quantile_rows(axes, rows, "milliseconds (medians over rounds)")
    return figure


def throughput_plot(report: dict[str, Any]) -> "Figure":
    """p99 against the rate, for each subject."""
    asked = report["search"]
    title = f"Rates tried for {asked['seconds']:g} s each, {asked['clients']} clients (hollow: not held)"
    figure, (axes,) = panels(title, [3.8])
    rate_points(axes, {words: report[name]["tried"] for name, words in _SUBJECTS.items()})
    return figure
