"""What was to be reached, and what was."""

import json
from pathlib import Path
from typing import Any

import pytest

from bench.pages.command import table
from bench.pages.targets import TARGETS, markdown, results
from tests.bench.pages.reports import REPORTS

ROOT = Path(__file__).parents[3]


def latency(p50: float, **asked: Any) -> dict[str, Any]:
    """A report with this ratio."""
    ratio = {"p50": p50, "p99": 1.4}
    plan = {"mode": "endpoint", "transport": "tcp", **asked}
    return {**REPORTS["latency"], "ratio": ratio, "plan": plan, "rate": 500.0}


@pytest.mark.parametrize(("p50", "met"), [(1.3, "aim"), (1.31, "must"), (1.8, "must"), (1.81, "no")])
def test_a_figure_is_held_against_both_bounds(p50: float, met: str) -> None:
    """A bound itself is met; what misses both is not hidden."""
    first = results([latency(p50)])[0]
    assert (first.measured, first.must, first.met) == (f"{p50:.2f}", "≤ 1.80", met)


def test_what_decides_nothing_stands_beside_the_node() -> None:
    """The same ratio of the server that only exchanges the packets; nothing where the run had none."""
    report = latency(3.0) | {
        "floor_ms": {"p50": 0.25, "p99": 1.0},
        "fsync_ms": {"p50": 0.25, "p99": 1.0},
        "mosquitto_ms": {"p50": 0.5, "p99": 1.0},
    }
    report.pop("packets_ms", None)
    assert [one.undecided for one in results([report])] == ["", "", ""]
    report["packets_ms"] = {"p50": 0.9, "p99": 4.2}
    assert [one.undecided for one in results([report])] == ["1.80", "2.10", "1.80"]


def test_a_rate_has_what_decides_nothing_beside_it() -> None:
    """Rate, rate over Mosquitto's, and processor time over the echo's."""
    report = {
        **REPORTS["throughput"],
        "doorstep": {"best": {"rate": 1_000.0}},
        "packets": {"best": {"rate": 4_000.0}},
        "mosquitto": {"best": {"rate": 5_000.0}},
        "ratio_mosquitto": 0.2,
        "ratio_cpu": 9.0,
        "ratio_cpu_packets": 3.0,
    }
    assert [one.undecided for one in results([report])][:3] == ["4,000/s", "0.80", "3"]


def test_only_the_load_that_a_target_names_counts() -> None:
    """Latency in broker mode, or over TLS, sends nothing about the endpoint's target."""
    assert results([latency(1.0, mode="broker"), latency(1.0, transport="tls")]) == []


@pytest.mark.parametrize(
    ("behind", "measured"),
    [((False, False), "0.50"), ((True, False), "0.25"), ((True, True), "0.12")],
)
def test_peers_are_checked_by_the_better_of_the_others(behind: tuple[bool, bool], measured: str) -> None:
    """Where one fell behind the other counts; where both did, the rates that they could hold."""

    def peer(p99: float, fell_behind: bool, rate: float) -> dict[str, Any]:
        best = {"rate": rate, "p99": 40.0}
        return {"at": {"500": {"p99": p99, "fell_behind": fell_behind}}, "best": best}

    peers = {
        "doorstep": peer(5.0, False, 1_000.0),
        "doorstep-broker": peer(1.0, False, 9_000.0),
        "script": peer(10.0, behind[0], 400.0),
        "node-red": peer(20.0, behind[1], 200.0),
    }
    p99, rate = results([{"benchmark": "peers", "plan": {"riders": 200}, "peers": peers}])
    assert (p99.measured, rate.measured) == (measured, "2.50")


def test_every_target_finds_its_figure_in_a_full_set_of_reports() -> None:
    """Each of them is in the table once, in the sequence of the list."""
    peer = {"at": {"500": {"p99": 5.0, "fell_behind": False}}, "best": {"rate": 900.0, "p99": 30.0}}
    reports = {
        **REPORTS,
        "latency": latency(1.0),
        "throughput": {**REPORTS["throughput"], "ratio_mosquitto": 0.1, "ratio_cpu": 9.0},
    }
    del reports["peers"]
    peers = {"benchmark": "peers", "peers": {"doorstep": peer, "script": peer}}
    found = results([*reports.values(), *({**peers, "plan": {"riders": riders}} for riders in (200, 1_000))])
    assert [one.what for one in found] == [target.what for target in TARGETS]
    assert markdown(found).count("\n") == len(TARGETS) + 2


def test_the_results_show_what_the_reports_contain() -> None:
    """Its table is the one that `doorstep bench report --markdown` makes of the figures that are kept."""
    files = sorted((ROOT / "bench" / "figures").glob("*.json"))
    assert any(json.loads(file.read_text(encoding="utf-8")).get("benchmark") == "latency" for file in files)
    assert table(files) in (ROOT / "docs/results.md").read_text(encoding="utf-8")
