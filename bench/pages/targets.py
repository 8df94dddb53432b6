"""The targets, beside what was measured: the first section of the page, and the table in docs/results.md.

A target is a ratio within one run wherever the machine would otherwise be what is measured. `must` is what is due,
`aim` what would be fine. Nothing is left out because it was missed; a target stands here only where a run that may be
quoted had its parameters. Multiples of an echo have no bound: beside them stands what a server that exchanges the
node's packets and decides nothing reaches in the same run.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

from msgspec import Struct

from ..load.search import ended

Report = dict[str, Any]
Read = Callable[[Report], float | None]
"""Finds a figure in a report; None where the run did not have it."""


class Target(Struct, frozen=True, kw_only=True):
    """`read` finds the figure in a report of `kind` whose plan has all of `asked`, `undecided` that of the server that
    decides nothing. `must` and `aim` are absent where there is no bound. `least`: more is better. `unit` follows the
    number; `at_least` distinguishes a figure that a search did not find the end of."""

    what: str
    kind: str
    read: Read
    asked: dict[str, Any] = {}
    must: float | None = None
    aim: float | None = None
    least: bool = False
    unit: str = ""
    undecided: Read | None = None
    at_least: Callable[[Report], bool] = lambda _: False


HEADINGS: Final = ("what", "reached", "must", "aim", "met")
"""Of a table of results. `reached` has after a slash what a server that decides nothing reaches."""


def results(reports: Iterable[Report]) -> list[tuple[str, ...]]:
    """Cells for each target that a report measures, in the sequence of TARGETS."""
    known = [report for report in reports if "do_not_quote" not in report]
    found: list[tuple[str, ...]] = []
    for target in TARGETS:
        for report in known:
            if report.get("benchmark") == target.kind and _has(report, target.asked):
                value = target.read(report)
                if value is not None:
                    found.append(_cells(target, report, value))
                    break
    return found


def markdown(found: Iterable[tuple[str, ...]]) -> str:
    """A table."""
    return "".join(f"| {' | '.join(row)} |\n" for row in (HEADINGS, ("---",) * len(HEADINGS), *found))


def _has(report: Report, asked: dict[str, Any]) -> bool:
    plan = {**report.get("search", {}), **report.get("plan", {})}
    return all(plan.get(name) == value for name, value in asked.items())


def _cells(target: Target, report: Report, value: float) -> tuple[str, ...]:
    sign = "≥" if target.least else "≤"
    reached = f"{'≥ ' * target.at_least(report)}{_number(value)}{target.unit}"
    beside = target.undecided and target.undecided(report)
    if beside is not None:
        reached += f" / {_number(beside)}{target.unit}"
    if target.must is None or target.aim is None:
        return target.what, reached, "", "", ""
    bounds = {"aim": target.aim, "must": target.must}
    met = next((name for name, bound in bounds.items() if (value >= bound if target.least else value <= bound)), "no")
    must, aim = (f"{sign} {_number(bound)}{target.unit}" for bound in (target.must, target.aim))
    return target.what, reached, must, aim, met


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.2f}"


# -- where the figures are ---------------------------------------------------------------------------------------------


def _over_floor(name: str, quantile: str) -> Read:
    """A latency over bare echo and fdatasync."""
    return lambda report: (
        report[name][quantile] / (report["floor_ms"][quantile] + report["fsync_ms"][quantile])
        if name in report
        else None
    )


def _over_mosquitto(name: str) -> Read:
    return lambda report: report[name]["p50"] / report["mosquitto_ms"]["p50"] if name in report else None


def _rate(name: str, over: str = "") -> Read:
    """The highest rate of a subject, perhaps over another's."""

    def read(report: Report) -> float | None:
        bests = [report[one]["best"] for one in (name, over) if one]
        if not all(bests):
            return None
        return bests[0]["rate"] / bests[1]["rate"] if over else bests[0]["rate"]

    return read


def _undecided_cpu(report: Report) -> float | None:
    """Its processor time for an order over the bare echo's for a message: both stand in the node's ratios."""
    ours, over = report.get("ratio_cpu"), report.get("ratio_cpu_packets")
    return ours / over if ours and over else None


def _points(report: Report) -> float | None:
    return next((one["points_per_cpu_s"] for one in report["positions"] if one["points"] == 10), None)


def _others(report: Report) -> list[Report]:
    """Whichever ran; the best of them is the best peer."""
    return [peer for name, peer in report["peers"].items() if not name.startswith("doorstep")]


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
    """Of searches that found their end: a bound over a bound is no ratio."""
    ours = report["peers"].get("doorstep", {})
    searched = [peer for peer in _others(report) if peer["best"]]
    if not ours.get("best") or not searched or not all(ended(one) for one in (ours, *searched)):
        return None
    return ours["best"]["rate"] / max(peer["best"]["rate"] for peer in searched)


def _over_durable(report: Report) -> float | None:
    """From 7 rounds on."""
    over = report.get("over_reference")
    return over["geometric_mean"] if over and over["rounds"] >= 7 else None


def _exponent(report: Report) -> float | None:
    sizes = [row["size"] for row in report["riders"]]
    return report["exponents"]["riders_p50"] if (min(sizes), max(sizes)) == (100, 100_000) else None


def _resident(report: Report) -> float | None:
    full = report["full_house"]
    return full["rss_mb"] if (full["riders"], full["orders_open"]) == (1_000, 1_000) else None


def _phone(report: Report) -> float | None:
    found = [one for one in report["networks"] if one["name"] == "300 ms, 1 % stalls"]
    return found[0]["phone_ms"]["p99"] / 1000 if found else None


_AT_500: Final = {"mode": "endpoint", "transport": "tcp", "rate": 500.0}
_PEERS: Final = "over the best peer's"

TARGETS: Final = (
    Target(
        what="p50, order to rider, over bare echo + fdatasync",
        kind="latency",
        asked=_AT_500,
        read=_over_floor("doorstep_ms", "p50"),
        undecided=_over_floor("packets_ms", "p50"),
    ),
    Target(
        what="p99, likewise",
        kind="latency",
        asked=_AT_500,
        read=_over_floor("doorstep_ms", "p99"),
        undecided=_over_floor("packets_ms", "p99"),
    ),
    Target(
        what="the p50 over an echo through Mosquitto",
        kind="latency",
        asked=_AT_500,
        read=_over_mosquitto("doorstep_ms"),
        undecided=_over_mosquitto("packets_ms"),
    ),
    Target(
        what="durable orders, each accepted and delivered",
        kind="throughput",
        read=_rate("doorstep"),
        must=11_574,
        aim=30_000,
        least=True,
        unit="/s",
        undecided=_rate("packets"),
        at_least=lambda report: not ended(report["doorstep"]),
    ),
    Target(
        what="the same over Mosquitto's saturated echo",
        kind="throughput",
        read=_rate("doorstep", "mosquitto"),
        undecided=_rate("packets", "mosquitto"),
    ),
    Target(
        what="CPU for an order over the bare echo's for a message",
        kind="throughput",
        read=lambda report: report.get("ratio_cpu"),
        undecided=_undecided_cpu,
    ),
    Target(
        what="positions for each CPU second, 10 a message",
        kind="throughput",
        read=_points,
        must=60_000,
        aim=200_000,
        least=True,
        unit=" points",
    ),
    *(
        Target(
            what=f"{what} {_PEERS}, {riders:,} riders",
            kind="peers",
            asked={"riders": riders},
            read=read,
            must=1,
            aim=aim,
            least=least,
        )
        for what, read, aim, least in (
            ("p99 at 500/s", _peers_p99, 0.5, False),
            ("highest lossless rate", _peers_rate, 5, True),
        )
        for riders in (200, 1_000)
    ),
    Target(
        what="p50 and p99 over the script with SQLite, geometric mean of 7 rounds",
        kind="peers",
        asked={"riders": 200},
        read=_over_durable,
    ),
    Target(
        what="decide time against riders, 100 to 100,000: exponent of n",
        kind="scale",
        read=_exponent,
        must=0.3,
        aim=0.05,
    ),
    Target(
        what="resident with 1,000 riders and 1,000 open orders",
        kind="footprint",
        read=_resident,
        must=90,
        aim=60,
        unit=" MB",
    ),
    Target(what="p99 on the phone, 300 ms round trip, 1 % stalls", kind="phone", read=_phone, must=8, aim=2, unit=" s"),
)
"""What each is about, where it is measured, what must be, what would be fine."""
