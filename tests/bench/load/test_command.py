"""The two commands as a user calls them: short, whole, on real processes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bench.cli_options import read


@pytest.mark.parametrize("mode", ["endpoint", "broker"])
def test_latency_reports_what_it_promises(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, mode: str, program: Callable[[str], str]
) -> None:
    """Every figure is there, nothing is lost, the ratios are of the medians, and nothing else is left on the disk."""
    program("mosquitto")
    words = ("--rate", "40", "--seconds", "1", "--rounds", "2", "--clients", "4", "--mode", mode)
    spans = tmp_path_factory.mktemp("spans") / "spans.jsonl"
    words += ("--spans", str(spans))
    result, report = read(tmp_path, "latency", *words)
    assert result.exit_code == 0, result.output
    assert (report["sent"], report["answered"], report["lost"], report["duplicates"]) == (40, 40, 0, 0)
    packets = ["packets_ms"] if mode == "endpoint" else []
    for name in ("floor_ms", "fsync_ms", "mosquitto_ms", "doorstep_ms", *packets):
        assert 0 < report[name]["p50"] <= report[name]["p99"]
        assert report[name]["p999"] is None  # of 40 orders
    floor = report["floor_ms"]["p50"] + report["fsync_ms"]["p50"]
    assert report["ratio"]["p50"] == pytest.approx(report["doorstep_ms"]["p50"] / floor, abs=0.01)
    assert report["node"]["row_bytes"] > 500  # what a decision with its candidates takes at the least
    assert report["ratio_mosquitto"].keys() == {"p50", "p99"}
    assert ("ratio_packets" in report) == (mode == "endpoint") == ("nothing decided" in result.output)
    assert {"queue", "decode", "decide", "commit", "publish", "total"} == report["stages_ms"].keys()
    assert report["generator_late"].keys() == {"over_ms", "share", "p99_ms", "too_late"}
    assert "Doorstep: decided, on disk, at the rider" in result.output
    requests = [json.loads(line)["resourceSpans"][0] for line in spans.read_text().splitlines()]
    ours = [each for each in requests if "doorstep" in json.dumps(each["resource"]["attributes"][0])]
    assert [len(each["scopeSpans"][0]["spans"]) for each in ours] == [40, 40]  # two for each of 20 orders


def test_throughput_holds_a_rate_and_takes_positions(tmp_path: Path, program: Callable[[str], str]) -> None:
    """Each subject's tries are listed with why one failed, and positions are all accounted for."""
    program("mosquitto")
    words = ("--seconds", "0.5", "--steps", "2", "--from", "20", "--clients", "4")
    result, report = read(tmp_path, "throughput", *words)
    assert result.exit_code == 0, result.output
    for name in ("doorstep", "mosquitto", "floor", "packets"):
        tried = report[name]["tried"]
        assert 1 <= len(tried) <= 4
        assert all(one["held"] == (not one["why"]) for one in tried)
    assert [(mix["points"], mix["lost"]) for mix in report["mix"]] == [(1, 0), (10, 0)]
    assert all((mix["events_per_s"] > 0) == any(one["held"] for one in mix["tried"]) for mix in report["mix"])
    assert [flood["points"] for flood in report["positions"]] == [1, 10]
    assert all(flood["lost"] == 0 < flood["messages"] for flood in report["positions"])
