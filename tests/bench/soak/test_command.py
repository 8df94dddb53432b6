"""The command as a user calls it: some seconds with one fault of each kind, on real processes."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from click.testing import CliRunner

import bench.soak.soak
from bench.command import bench as bench_command
from bench.soak.faults import Fault

FAULTS = [
    Fault(1.0, "nonsense"),
    Fault(1.5, "cut", 1.0),
    Fault(3.0, "storm"),
    Fault(3.5, "kill_centre"),
    Fault(5.0, "kill_node"),
]


def test_a_short_soak_reports_what_it_promises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every fault is driven, nothing is lost or doubled, both processes came back, every column has its slope."""

    def short(seconds: float, seed: int) -> list[Fault]:
        del seconds, seed
        return FAULTS

    monkeypatch.setattr(bench.soak.soak, "schedule", short)
    files = ("--json", f"{tmp_path}/out.json", "--plot", f"{tmp_path}/out.svg", "--data-dir", str(tmp_path))
    result = CliRunner().invoke(bench_command, ["soak", "--minutes", "0.15", "--rate", "20", *files])
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert (report["lost"], report["doubled"], report["upward"]) == (0, 0, [])
    assert report["faults"] == {fault.name: 1 for fault in FAULTS}
    assert report["restarts"] == {"node": 1, "centre": 1}
    assert report["refused"]["refused_malformed"] > 0
    assert report["slopes"].keys() == {
        f"{name}_{what}" for name in ("node", "centre") for what in ("rss_mb", "fds", "disk_mb")
    }
    assert report["timeline"]["node"]["rss_mb"]
    assert ET.parse(tmp_path / "out.svg").getroot().tag.endswith("svg")
