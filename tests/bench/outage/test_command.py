"""The command as a user calls it: short, whole, on real processes, with both kills."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import bench.outage.outages
from bench.command import bench as bench_command


def test_an_outage_with_kills_loses_and_doubles_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients, journal and centre agree to the last event, every promised figure is there, the plot is an SVG."""
    monkeypatch.setattr(bench.outage.outages, "QUIET_S_MIN", 1.0)
    monkeypatch.setattr(bench.outage.outages, "WARM_UP_S", 0.5)
    files = ("--json", f"{tmp_path}/out.json", "--plot", f"{tmp_path}/out.svg", "--data-dir", str(tmp_path))
    words = ("outage", "--minutes-offline", "60", "--rate", "30", "--speed", "1440", "--rounds", "0", *files)
    result = CliRunner().invoke(bench_command, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert (report["lost"], report["doubled"], report["proof"]["sentences"]) == (0, 0, [])
    assert report["events"]["at_node"] == report["events"]["at_centre"] == report["proof"]["events"] > 100
    assert report["proof"]["counters_equal"]
    assert [kill["ready_s"] > 0 for kill in report["kills"]] == [True, True]
    (one,) = report["outages"]
    assert one["windows"] >= 30
    assert one["drain_s"] > 0
    assert {"local_p99_ratio", "drain_live_p99_ratio"} <= report.keys()
    for name in ("backlog_bytes_max", "drain_s", "events_represented"):
        assert report[name] > 0
    assert max(report["timeline"]["backlog_bytes"]) > 0
    assert ET.parse(tmp_path / "out.svg").getroot().tag.endswith("svg")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.json", "out.svg"]


def test_nothing_to_do_is_reported() -> None:
    """Neither rounds nor kills is a mistake of the caller, named before anything starts."""
    with pytest.raises(click.UsageError, match="--rounds 1"):
        CliRunner().invoke(
            bench_command, ["outage", "--rounds", "0", "--no-kills"], catch_exceptions=False, standalone_mode=False
        )
