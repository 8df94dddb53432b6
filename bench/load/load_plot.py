"""The drawings of `latency` and `throughput`."""

from typing import Any, Final

from ..drawing import QUANTILE_COLOURS, SERIES, WIDTH, Axis, across, bar, dot, page, text, up

_LEFT: Final = 210
_RIGHT: Final = 40
_SUBJECTS: Final = {
    "doorstep": "Doorstep",
    "mosquitto": "Mosquitto, echo",
    "floor": "bare echo",
    "packets": "the same packets",
}


def latency_plot(report: dict[str, Any]) -> str:
    """Bars of p50, p99 and p99.9 for each subject and each stage of the node, in milliseconds."""
    rows: list[tuple[str, dict[str, float]]] = [
        ("bare echo", report["floor_ms"]),
        ("one fdatasync", report["fsync_ms"]),
        ("echo through Mosquitto", report["mosquitto_ms"]),
        *([("node's packets, on disk", report["packets_ms"])] if "packets_ms" in report else []),
        ("Doorstep", report["doorstep_ms"]),
        *((f"  node: {name}", stage) for name, stage in report["stages_ms"].items()),
    ]
    title = f"{report['rate']:g} orders/s: p50, p99, p99.9 in ms (medians over rounds)"
    return quantile_bars(title, rows)


def quantile_bars(title: str, rows: list[tuple[str, dict[str, float]]], left: int = _LEFT) -> str:
    """For each row a bar for each of p50, p99 and p99.9 that it has, on one logarithmic axis."""
    axis = Axis([row[name] for _, row in rows for name in QUANTILE_COLOURS if name in row], left, WIDTH - _RIGHT)
    height = 70 + 34 * len(rows)
    parts = [text(10, 22, title, size=14), *across(axis, 36, height - 24)]
    for number, (words, row) in enumerate(rows):
        top = 44 + 34 * number
        parts.append(text(10, top + 16, words))
        for offset, name in enumerate(name for name in QUANTILE_COLOURS if name in row):
            label_text = f"{words.strip()} {name}: {row[name]:g} ms"
            parts.append(bar(left, top + 8 * offset, axis.at(row[name]) - left, 7, QUANTILE_COLOURS[name], label_text))
    return page(height, parts)


def throughput_plot(report: dict[str, Any]) -> str:
    """p99 against the rate, for each subject, on logarithmic axes; hollow points are rates that were not held."""
    return rate_points(
        "p99 in ms against orders a second (hollow: not held)",
        {words: report[name]["tried"] for name, words in _SUBJECTS.items()},
    )


def rate_points(title: str, tried: dict[str, list[dict[str, Any]]]) -> str:
    """What each subject tried, by its name; hollow where it did not hold."""
    every = [one for ones in tried.values() for one in ones]
    height = 420
    rates = Axis([one["rate"] for one in every], 60, WIDTH - _RIGHT)
    times = Axis([one["p99"] for one in every], height - 40, 60)
    parts = [text(10, 22, title, size=14), *across(rates, 60, height - 40), *up(times, 60, WIDTH - _RIGHT)]
    for number, ((name, ones), colour) in enumerate(zip(tried.items(), SERIES, strict=False)):
        parts.append(text(70 + 160 * number, 48, name, colour=colour))
        for one in ones:
            label_text = f"{name}: {one['rate']:.0f}/s, p99 {one['p99']:g} ms {one['why']}"
            parts.append(dot(rates.at(one["rate"]), times.at(one["p99"]), colour, label_text, filled=one["held"]))
    return page(height, parts)
