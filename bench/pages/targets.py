"""The targets, beside what was measured: the first section of the page, and the table in docs/results.md.

A target is a ratio within one run wherever the machine would otherwise be what is measured. `must` is what is due,
`aim` what would be fine. Nothing is left out because it was missed. Where the same run had a server that exchanges the
node's packets and decides nothing, its figure stands beside the node's: what machine and stack leave to reach.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

from msgspec import Struct

Report = dict[str, Any]


class Target(Struct, frozen=True):
    """`read` finds the figure in a report of `kind`, or None; `undecided` the same of the server that decides nothing.
    `least`: more is better. `unit` follows the number."""

    what: str
    kind: str
    read: Callable[[Report], float | None]
    must: float
    aim: float
    least: bool = False
    unit: str = ""
    undecided: Callable[[Report], float | None] | None = None


class TargetResult(Struct, frozen=True):
    """A target and what was measured, in words; `met` is "aim", "must" or "no". `undecided` is empty where the run had
    no server that decides nothing."""

    what: str
    measured: str
    must: str
    aim: str
    met: str
    undecided: str


HEADINGS: Final = ("what", "measured", "must", "aim", "met", "nothing decided")
"""Of a table of results."""


def cells(one: TargetResult) -> tuple[str, ...]:
    """A row of it."""
    return one.what, one.measured, one.must, one.aim, one.met, one.undecided


def results(reports: Iterable[Report]) -> list[TargetResult]:
    """One for each target that a report measures, in the sequence of TARGETS."""
    known = list(reports)
    found: list[TargetResult] = []
    for target in TARGETS:
        for report in known:
            if report.get("benchmark") == target.kind and (value := target.read(report)) is not None:
                found.append(_result(target, value, target.undecided and target.undecided(report)))
                break
    return found


def markdown(found: Iterable[TargetResult]) -> str:
    """A table."""
    rows = (HEADINGS, ("---",) * len(HEADINGS), *(cells(one) for one in found))
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _result(target: Target, value: float, undecided: float | None) -> TargetResult:
    def reached(bound: float) -> bool:
        return value >= bound if target.least else value <= bound

    sign = "≥" if target.least else "≤"
    met = "aim" if reached(target.aim) else "must" if reached(target.must) else "no"
    must, aim = (f"{sign} {_number(bound)}{target.unit}" for bound in (target.must, target.aim))
    beside = "" if undecided is None else f"{_number(undecided)}{target.unit}"
    return TargetResult(target.what, f"{_number(value)}{target.unit}", must, aim, met, beside)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.2f}"


# -- where the figures are ---------------------------------------------------------------------------------------------


def _latency(name: str, quantile: str) -> Callable[[Report], float | None]:
    def read(report: Report) -> float | None:
        asked = report["plan"]["mode"], report["plan"]["transport"], report["rate"]
        return float(report[name][quantile]) if asked == ("endpoint", "tcp", 500.0) else None

    return read


def _undecided_ms(quantile: str) -> Callable[[Report], float | None]:
    """The latency of the server that decides nothing, over the same floor."""

    def read(report: Report) -> float | None:
        if "packets_ms" not in report:
            return None
        floor = report["floor_ms"][quantile] + report["fsync_ms"][quantile]
        return float(report["packets_ms"][quantile] / floor)

    return read


def _undecided_over_mosquitto(report: Report) -> float | None:
    return report["packets_ms"]["p50"] / report["mosquitto_ms"]["p50"] if "packets_ms" in report else None


def _undecided_rate(report: Report) -> float | None:
    best = report["packets"]["best"]
    return best["rate"] if best else None


def _undecided_rate_over_mosquitto(report: Report) -> float | None:
    rate, theirs = _undecided_rate(report), report["mosquitto"]["best"]
    return rate / theirs["rate"] if rate and theirs else None


def _undecided_cpu(report: Report) -> float | None:
    """Its processor time for an order over the bare echo's for a message: both stand in the node's ratios."""
    ours, over = report.get("ratio_cpu"), report.get("ratio_cpu_packets")
    return ours / over if ours and over else None


def _points(report: Report) -> float | None:
    return next((one["points_per_cpu_s"] for one in report["positions"] if one["points"] == 10), None)


def _best(report: Report) -> float | None:
    best = report["doorstep"]["best"]
    return best["rate"] if best else None


def _others(report: Report) -> list[Report]:
    return [peer for name, peer in report["peers"].items() if not name.startswith("doorstep")]


def _among(riders: int, read: Callable[[Report], float | None]) -> Callable[[Report], float | None]:
    """With so many riders on shift: whoever looks at each of them for each order has more to do with more."""
    return lambda report: read(report) if report["plan"]["riders"] == riders else None


def _peers_p99(report: Report) -> float | None:
    """The node's p99 at 500 orders/s over that of the best of the others; where all of those fell behind, over that of
    the highest rate that one of them held."""
    ours = report["peers"].get("doorstep", {}).get("at", {}).get("500")
    if ours is None:
        return None
    at = [peer["at"]["500"] for peer in _others(report) if "500" in peer["at"]]
    times = [one["p99"] for one in at if not one["fell_behind"]]
    times = times or [peer["best"]["p99"] for peer in _others(report) if peer["best"]]
    return ours["p99"] / min(times) if times else None


def _peers_rate(report: Report) -> float | None:
    ours = report["peers"].get("doorstep", {}).get("best")
    rates = [peer["best"]["rate"] for peer in _others(report) if peer["best"]]
    return ours["rate"] / max(rates) if ours and rates else None


def _phone(report: Report) -> float | None:
    found = [one for one in report["networks"] if one["name"] == "300 ms, 1 % stalls"]
    return found[0]["phone_ms"]["p99"] / 1000 if found else None


TARGETS: Final = (
    Target(
        "p50, order to rider, over bare echo + fdatasync",
        "latency",
        _latency("ratio", "p50"),
        1.8,
        1.3,
        undecided=_undecided_ms("p50"),
    ),
    Target("p99, likewise", "latency", _latency("ratio", "p99"), 2.0, 1.4, undecided=_undecided_ms("p99")),
    Target(
        "the p50 over an echo through Mosquitto",
        "latency",
        _latency("ratio_mosquitto", "p50"),
        2.5,
        1.5,
        undecided=_undecided_over_mosquitto,
    ),
    Target(
        "durable orders, each accepted and delivered",
        "throughput",
        _best,
        11_574,
        30_000,
        least=True,
        unit="/s",
        undecided=_undecided_rate,
    ),
    Target(
        "the same over Mosquitto's saturated echo",
        "throughput",
        lambda report: report.get("ratio_mosquitto"),
        1.5,
        3,
        least=True,
        undecided=_undecided_rate_over_mosquitto,
    ),
    Target(
        "CPU for an order over the bare echo's for a message",
        "throughput",
        lambda report: report.get("ratio_cpu"),
        4,
        2.5,
        undecided=_undecided_cpu,
    ),
    Target(
        "positions for each CPU second, 10 a message",
        "throughput",
        _points,
        60_000,
        200_000,
        least=True,
        unit=" points",
    ),
    Target("p99 at 500/s over the best peer's, 200 riders", "peers", _among(200, _peers_p99), 1, 0.5),
    Target("p99 at 500/s over the best peer's, 1,000 riders", "peers", _among(1_000, _peers_p99), 1, 0.5),
    Target(
        "highest lossless rate over the best peer's, 200 riders", "peers", _among(200, _peers_rate), 1, 5, least=True
    ),
    Target(
        "highest lossless rate over the best peer's, 1,000 riders",
        "peers",
        _among(1_000, _peers_rate),
        1,
        5,
        least=True,
    ),
    Target(
        "decide time against riders, 100 to 100,000: exponent of n",
        "scale",
        lambda report: report["exponents"]["riders_p50"],
        0.3,
        0.05,
    ),
    Target(
        "resident with 1,000 riders and 1,000 open orders",
        "footprint",
        lambda report: report["full_house"]["rss_mb"],
        90,
        60,
        unit=" MB",
    ),
    Target("p99 on the phone, 300 ms round trip, 1 % stalls", "phone", _phone, 8, 2, unit=" s"),
)
"""What each is about, where it is measured, what must be, what would be fine."""
