"""What was to be reached, and what was."""

import json
from pathlib import Path
from typing import Any

import pytest

from bench.pages.command import table
from bench.pages.targets import TARGETS, markdown, results
from tests.bench.pages.reports import REPORTS

ROOT = Path(__file__).parents[3]
FLOOR = {"floor_ms": {"p50": 0.25, "p99": 1.0}, "fsync_ms": {"p50": 0.25, "p99": 1.0}, "mosquitto_ms": {"p50": 0.5}}


def latency(**asked: Any) -> dict[str, Any]:
    """A report of this load."""
    plan = {"mode": "endpoint", "transport": "tcp", "rate": 500.0, **asked}
    return {**REPORTS["latency"], **FLOOR, "doorstep_ms": {"p50": 1.5, "p99": 3.0}, "plan": plan}


def footprint(rss_mb: float, riders: int = 1_000) -> dict[str, Any]:
    """A report of a full node."""
    return {**REPORTS["footprint"], "full_house": {"rss_mb": rss_mb, "riders": riders, "orders_open": 1_000}}


def peer(p99: float, rate: float, fell_behind: bool = False, ends: bool = True) -> dict[str, Any]:
    """What one of them showed."""
    best = {"rate": rate, "p99": 40.0, "held": True}
    above = [{"rate": rate * 1.1, "held": False}] if ends else []
    return {
        "at": {"500": {"p99": p99, "fell_behind": fell_behind, "cpu_us": p99 * 100}},
        "best": best,
        "tried": [best, *above],
    }


def peers(*others: dict[str, Any], riders: int = 200) -> dict[str, Any]:
    """A contest of Doorstep with these."""
    field = {"doorstep": peer(5.0, 1_000.0), "doorstep-broker": peer(1.0, 9_000.0)}
    field |= {f"other-{number}": one for number, one in enumerate(others)}
    return {"benchmark": "peers", "plan": {"riders": riders}, "peers": field}


@pytest.mark.parametrize(("rss_mb", "met"), [(60.0, "aim"), (60.1, "must"), (90.0, "must"), (90.1, "no")])
def test_a_figure_is_held_against_both_bounds(rss_mb: float, met: str) -> None:
    """A bound itself is met; what misses both is not hidden."""
    ((_, reached, must, aim, found),) = results([footprint(rss_mb)])
    assert (must, aim, found) == ("≤ 90 MB", "≤ 60 MB", met)
    assert reached.endswith(" MB")


def test_multiples_of_an_echo_have_no_bound_but_what_decides_nothing_beside_them() -> None:
    """The same ratio of the server that only exchanges the packets; nothing where the run had none."""
    report = latency() | {"packets_ms": {"p50": 0.9, "p99": 4.2}, "ratio_packets": None}
    assert [row[1:] for row in results([report])] == [
        ("3 / 1.80", "", "", ""),
        ("1.50 / 2.10", "", "", ""),
        ("3 / 1.80", "", "", ""),
    ]
    del report["packets_ms"]
    assert [row[1] for row in results([report])] == ["3", "1.50", "3"]


def test_a_rate_has_what_decides_nothing_beside_it() -> None:
    """Rate, rate over Mosquitto's, and processor time over the echo's; a search without an end gives a bound."""
    report = {
        **REPORTS["throughput"],
        "doorstep": {"best": {"rate": 1_000.0}, "tried": []},
        "packets": {"best": {"rate": 4_000.0}, "tried": []},
        "mosquitto": {"best": {"rate": 5_000.0}},
        "ratio_cpu": 9.0,
        "ratio_cpu_packets": 3.0,
    }
    assert [row[1] for row in results([report])][:3] == ["≥ 1,000/s / 4,000/s", "0.20 / 0.80", "9 / 3"]
    report["doorstep"]["tried"] = [{"rate": 1_100.0, "held": False}]
    assert results([report])[0][1] == "1,000/s / 4,000/s"


@pytest.mark.parametrize(
    "other",
    [
        latency(mode="broker"),
        latency(transport="tls"),
        latency(rate=100.0),
        footprint(50.0, riders=10),
        {**footprint(50.0), "do_not_quote": "load 17"},
        peers(peer(10.0, 400.0), riders=50),
        {**REPORTS["scale"], "riders": REPORTS["scale"]["riders"][:1]},
        {**REPORTS["phone"], "networks": []},
    ],
)
def test_only_the_load_that_a_target_names_counts(other: dict[str, Any]) -> None:
    """A run with other parameters has no row, nor has one that is not to be quoted."""
    assert results([other]) == []


@pytest.mark.parametrize(
    ("behind", "reached"), [((False, False), "0.50"), ((True, False), "0.25"), ((True, True), "0.12")]
)
def test_peers_are_checked_by_the_best_of_the_others(behind: tuple[bool, bool], reached: str) -> None:
    """Where one fell behind the other counts; where both did, the rates that they could hold."""
    p99, rate = results([peers(peer(10.0, 400.0, behind[0]), peer(20.0, 200.0, behind[1]))])
    assert (p99[1], rate[1]) == (reached, "2.50")


def test_a_bound_over_a_bound_is_no_ratio() -> None:
    """A search that ran out of rates gives no row about the highest one."""
    assert len(results([peers(peer(10.0, 400.0, ends=False))])) == 1


OVER = {"rounds": 7, "at": {rate: {"p50": float(rate) / 500, "p99": 0.8} for rate in ("100", "500", "1000")}}
"""Over the durable script: × 0.2, 1 and 2, whose geometric mean is 0.74."""


@pytest.mark.parametrize(
    ("over", "reached"),
    [
        (OVER, ["0.74", "0.80"]),
        ({**OVER, "rounds": 6}, []),
        ({**OVER, "at": {"100": {"p50": 0.5, "p99": 0.5}}}, []),
        (None, []),
    ],
)
def test_the_ratio_over_the_durable_script_needs_rates_and_rounds(over: dict[str, Any] | None, reached: list) -> None:
    """Fewer than seven rounds, or one rate alone, are no claim."""
    assert [row[1] for row in results([{**peers(), "over_reference": over}])] == reached


def test_latency_is_held_against_what_decides_nothing() -> None:
    """Of the same rounds, with bounds of its own."""
    rows = results([latency() | {"ratio_packets": {"p50": 1.3, "p99": 2.0}}])
    assert [(row[1], row[4]) for row in rows[3:]] == [("1.30", "must"), ("2", "no")]


@pytest.mark.parametrize(("ends", "reached"), [((True, True), ["0.25"]), ((True, False), []), ((False, True), [])])
def test_two_searches_that_ended_make_a_ratio(ends: tuple[bool, bool], reached: list[str]) -> None:
    """The highest rate over that of the server that decides nothing; a bound is no rate."""
    ours, theirs = peer(1.0, 1_000.0, ends=ends[0]), peer(1.0, 4_000.0, ends=ends[1])
    report = {**REPORTS["throughput"], "doorstep": ours, "packets": theirs, "mosquitto": theirs}
    assert [row[1] for row in results([report]) if "the same over that of a server" in row[0]] == reached


def test_what_an_order_costs_is_held_against_node_red() -> None:
    """In both modes; not where one of the two fell behind. What a kill costs stands beside it."""
    contest = peers(peer(10.0, 400.0))
    contest["peers"] |= {"node-red": peer(4.0, 400.0)}
    contest["peers"]["doorstep"]["kill"] = {"hole_s": 0.3}
    found = {row[0]: row[1:] for row in results([contest])}
    assert found["CPU for an order at 500/s over Node-RED's, each with its broker"][::3] == ("1.25", "no")
    assert found["the same in broker mode over Node-RED's, each with its broker"][::3] == ("0.25", "aim")
    assert found["from SIGKILL to the next answer"][::3] == ("0.30 s", "must")
    contest["peers"] |= {"node-red": peer(4.0, 400.0, fell_behind=True)}
    assert not [row for row in results([contest]) if "Node-RED" in row[0]]


def test_every_target_finds_its_figure_in_a_full_set_of_reports() -> None:
    """Each of them is in the table once, in the sequence of the list."""
    contests = [{**peers(peer(9.0, 900.0), riders=riders), "over_reference": OVER} for riders in (200, 1_000)]
    for contest in contests:
        contest["peers"] |= {"node-red": peer(4.0, 400.0)}
        contest["peers"]["doorstep"]["kill"] = {"hole_s": 0.3}
    sizes = [{**REPORTS["scale"]["riders"][0], "size": size} for size in (100, 100_000)]
    reports = {
        **REPORTS,
        "latency": latency() | {"ratio_packets": {"p50": 1.3, "p99": 2.0}},
        "throughput": {
            **REPORTS["throughput"],
            "ratio_cpu": 9.0,
            "doorstep": peer(1.0, 9.0),
            "packets": peer(1.0, 9.0),
        },
        "scale": {**REPORTS["scale"], "riders": sizes},
    }
    del reports["peers"]
    found = results([*reports.values(), *contests])
    assert [row[0] for row in found] == [target.what for target in TARGETS]
    assert markdown(found).count("\n") == len(TARGETS) + 2


def test_the_results_show_what_the_reports_contain() -> None:
    """Its table is the one that `doorstep bench report --markdown` makes of the figures that are kept."""
    files = sorted((ROOT / "bench" / "figures").glob("*.json"))
    assert any(json.loads(file.read_text(encoding="utf-8")).get("benchmark") == "latency" for file in files)
    assert table(files) in (ROOT / "docs/results.md").read_text(encoding="utf-8")
