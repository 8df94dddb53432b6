"""The targets, beside what was measured: the first section of the page, and the table in docs/results.md.

A target is a ratio within one run wherever the machine would otherwise be what is measured. `must` is what is due,
`aim` what would be fine. Nothing is left out because it was missed; a target stands here only where a run that may be
quoted had its parameters. Multiples of an echo have no bound: beside them stands what a server that exchanges the
node's packets and decides nothing reaches in the same run.
"""

from collections.abc import Callable, Iterable
from statistics import geometric_mean
from typing import Any, Final

from msgspec import Struct

from ..load.search import ended

Report = dict[str, Any]
Read = Callable[[Report, str], float | None]
"""Finds a figure of the node, or (the second of SUBJECTS) that of the server that decides nothing, in a report; None
where the run did not have it."""

SUBJECTS: Final = {"latency": ("doorstep_ms", "packets_ms"), "throughput": ("doorstep", "packets")}


class Target(Struct, frozen=True):
    """`read` finds the figure in a report of `kind` whose plan has all of `asked`. `must` and `aim` are absent where
    there is no bound. `least`: more is better. `unit` follows the number; `searched`: it is the end of a search."""

    what: str
    kind: str
    read: Read
    must: float | None = None
    aim: float | None = None
    asked: dict[str, Any] = {}
    least: bool = False
    unit: str = ""
    searched: bool = False


HEADINGS: Final = ("what", "reached", "must", "aim", "met")
"""Of a table of results. `reached` has after a slash what a server that decides nothing reaches."""


def results(reports: Iterable[Report]) -> list[tuple[str, ...]]:
    """Cells for each target that a report measures, in the sequence of TARGETS."""
    known = [report for report in reports if "do_not_quote" not in report]
    found = (next((row for report in known if (row := _cells(target, report))), None) for target in TARGETS)
    return [row for row in found if row]


def markdown(found: Iterable[tuple[str, ...]]) -> str:
    """A table."""
    return "".join(f"| {' | '.join(row)} |\n" for row in (HEADINGS, ("---",) * len(HEADINGS), *found))


def _cells(target: Target, report: Report) -> tuple[str, ...] | None:
    """None where the report does not measure it."""
    plan = {**report.get("search", {}), **report.get("plan", {})}
    if report.get("benchmark") != target.kind or any(plan.get(name) != value for name, value in target.asked.items()):
        return None
    ours, undecided = SUBJECTS.get(target.kind, ("", ""))
    value = target.read(report, ours)
    if value is None:
        return None
    reached = f"{_number(value)}{target.unit}"
    if target.searched and not ended(report[ours]):
        reached = f"≥ {reached}"
    if undecided and (beside := target.read(report, undecided)) is not None:
        reached += f" / {_number(beside)}{target.unit}"
    if target.must is None or target.aim is None:
        return target.what, reached, "", "", ""
    bounds = {"aim": target.aim, "must": target.must}
    met = next((name for name, bound in bounds.items() if (value >= bound if target.least else value <= bound)), "no")
    sign = "≥" if target.least else "≤"
    must, aim = (f"{sign} {_number(bound)}{target.unit}" for bound in (target.must, target.aim))
    return target.what, reached, must, aim, met


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.2f}"


# -- where the figures are ---------------------------------------------------------------------------------------------


def _over_floor(quantile: str) -> Read:
    """A latency over bare echo and fdatasync."""

    def read(report: Report, name: str) -> float | None:
        floor = report["floor_ms"][quantile] + report["fsync_ms"][quantile]
        return report[name][quantile] / floor if name in report else None

    return read


def _over_mosquitto(report: Report, name: str) -> float | None:
    return report[name]["p50"] / report["mosquitto_ms"]["p50"] if name in report else None


def _over_packets(quantile: str) -> Read:
    """A latency over that of the server that decides nothing, medians of paired rounds."""

    def read(report: Report, name: str) -> float | None:
        found = report.get("ratio_packets")
        return found[quantile] if found and name == "doorstep_ms" else None

    return read


def _rate(report: Report, name: str) -> float | None:
    best = report[name]["best"]
    return best["rate"] if best else None


def _rate_over_mosquitto(report: Report, name: str) -> float | None:
    ours, theirs = _rate(report, name), _rate(report, "mosquitto")
    return ours / theirs if ours and theirs else None


def _rate_over_packets(report: Report, name: str) -> float | None:
    """Of searches that found their end."""
    ours, theirs = report[name], report["packets"]
    return (
        ours["best"]["rate"] / theirs["best"]["rate"] if name == "doorstep" and ended(ours) and ended(theirs) else None
    )


def _cpu(report: Report, name: str) -> float | None:
    """Processor time for an order over the bare echo's for a message: both stand in the node's ratios."""
    ours, over = report.get("ratio_cpu"), 1.0 if name == "doorstep" else report.get("ratio_cpu_packets")
    return ours / over if ours and over else None


def _points(report: Report, name: str) -> float | None:
    found = (one["points_per_cpu_s"] for one in report["positions"] if one["points"] == 10)
    return next(found, None) if name == "doorstep" else None


def _others(report: Report) -> list[Report]:
    """Whichever ran; the best of them is the best peer."""
    return [peer for name, peer in report["peers"].items() if not name.startswith("doorstep")]


def _peers_p99(report: Report, _: str) -> float | None:
    """The node's p99 at 500 orders/s over that of the best of the others; where all of those fell behind, over that of
    the highest rate that one of them held."""
    ours = report["peers"].get("doorstep", {}).get("at", {}).get("500")
    if ours is None:
        return None
    at = [peer["at"]["500"] for peer in _others(report) if "500" in peer["at"]]
    times = [one["p99"] for one in at if not one["fell_behind"]]
    times = times or [peer["best"]["p99"] for peer in _others(report) if peer["best"]]
    return ours["p99"] / min(times) if times else None


def _peers_rate(report: Report, _: str) -> float | None:
    """Of searches that found their end: a bound over a bound is no ratio."""
    ours = report["peers"].get("doorstep", {})
    searched = [peer for peer in _others(report) if peer["best"]]
    if not ours.get("best") or not searched or not all(ended(one) for one in (ours, *searched)):
        return None
    return ours["best"]["rate"] / max(peer["best"]["rate"] for peer in searched)


def _over_durable(quantile: str) -> Read:
    """Of all of these rates, from 7 rounds on."""

    def read(report: Report, _: str) -> float | None:
        over = report.get("over_reference")
        if not over or over["rounds"] < 7 or set(over["at"]) < {"100", "500", "1000"}:
            return None
        return geometric_mean(row[quantile] for row in over["at"].values())

    return read


def _over_node_red(name: str) -> Read:
    """Processor time of an order at 500/s, of one of Doorstep's modes with its broker, over Node-RED's with its own."""

    def read(report: Report, _: str) -> float | None:
        ours, theirs = (report["peers"].get(one, {}).get("at", {}).get("500") for one in (name, "node-red"))
        if not ours or not theirs or ours["fell_behind"] or theirs["fell_behind"]:
            return None
        return ours["cpu_us"] / theirs["cpu_us"]

    return read


def _hole(report: Report, _: str) -> float | None:
    kill = report["peers"].get("doorstep", {}).get("kill")
    return kill["hole_s"] if kill else None


def _exponent(report: Report, _: str) -> float | None:
    sizes = [row["size"] for row in report["riders"]]
    return report["exponents"]["riders_p50"] if (min(sizes), max(sizes)) == (100, 100_000) else None


def _resident(report: Report, _: str) -> float | None:
    full = report["full_house"]
    return full["rss_mb"] if (full["riders"], full["orders_open"]) == (1_000, 1_000) else None


def _phone(report: Report, _: str) -> float | None:
    found = [one for one in report["networks"] if one["name"] == "300 ms, 1 % stalls"]
    return found[0]["phone_ms"]["p99"] / 1000 if found else None


_AT_500: Final = {"mode": "endpoint", "transport": "tcp", "rate": 500.0}
_PEERS: Final = tuple(
    Target(f"{what} over the best peer's, {riders:,} riders", "peers", read, 1, aim, {"riders": riders}, least)
    for what, read, aim, least in (
        ("p99 at 500/s", _peers_p99, 0.5, False),
        ("highest lossless rate", _peers_rate, 5, True),
    )
    for riders in (200, 1_000)
)
_SCRIPT: Final = "over the script with SQLite, geometric mean of 100, 500 and 1,000/s, 7 rounds"
_NODE_RED: Final = "over Node-RED's, each with its broker"
_ORDERS: Final = "durable orders, each accepted and delivered"
_POSITIONS: Final = "positions for each CPU second, 10 a message"

TARGETS: Final = (
    Target("p50, order to rider, over bare echo + fdatasync", "latency", _over_floor("p50"), asked=_AT_500),
    Target("p99, likewise", "latency", _over_floor("p99"), asked=_AT_500),
    Target("the p50 over an echo through Mosquitto", "latency", _over_mosquitto, asked=_AT_500),
    Target("p50 over a server that decides nothing", "latency", _over_packets("p50"), 1.4, 1.2, _AT_500),
    Target("p99, likewise", "latency", _over_packets("p99"), 1.5, 1.2, _AT_500),
    Target(_ORDERS, "throughput", _rate, 11_574, 30_000, least=True, unit="/s", searched=True),
    Target("the same over Mosquitto's saturated echo", "throughput", _rate_over_mosquitto),
    Target(
        "the same over that of a server that decides nothing", "throughput", _rate_over_packets, 0.3, 0.45, least=True
    ),
    Target("CPU for an order over the bare echo's for a message", "throughput", _cpu),
    Target(
        "positions for each CPU second, 10 a message",
        "throughput",
        _points,
        60_000,
        200_000,
        least=True,
        unit=" points",
    ),
    *_PEERS,
    Target(f"p50 {_SCRIPT}", "peers", _over_durable("p50"), 0.9, 0.75, {"riders": 200}),
    Target(f"p99 {_SCRIPT}", "peers", _over_durable("p99"), 0.85, 0.75, {"riders": 200}),
    Target(f"CPU for an order at 500/s {_NODE_RED}", "peers", _over_node_red("doorstep"), 1.1, 0.8, {"riders": 200}),
    Target(f"the same in broker mode {_NODE_RED}", "peers", _over_node_red("doorstep-broker"), 1.4, 1, {"riders": 200}),
    Target("from SIGKILL to the next answer", "peers", _hole, 0.35, 0.2, {"riders": 200}, unit=" s"),
    Target("decide time against riders, 100 to 100,000: exponent of n", "scale", _exponent, 0.3, 0.05),
    Target("resident with 1,000 riders and 1,000 open orders", "footprint", _resident, 90, 60, unit=" MB"),
    Target("p99 on the phone, 300 ms round trip, 1 % stalls", "phone", _phone, 8, 2, unit=" s"),
)
"""What each is about, where it is measured, what must be, what would be fine."""
