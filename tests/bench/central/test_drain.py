"""`doorstep bench central --drain` as a user calls it: short, on a real collector."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.central import drain
from bench.command import bench


def test_a_centre_that_is_back_gets_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nodes merge what they cannot send, and send it with what is new: each minute counts once."""
    monkeypatch.setattr(drain, "AWAY_MINUTES", 150)
    monkeypatch.setattr(drain, "VARIANTS", 1)
    monkeypatch.setattr(drain, "KNOCK_S", 0.0)
    words = ["central", "--drain", "3", "--data-dir", str(tmp_path), "--json", f"{tmp_path}/out.json"]
    result = CliRunner().invoke(bench, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert (report["nodes"], report["lost"], report["doubled"], report["refused"]) == (3, 0, 0, 0)
    assert 3 * 150 < report["windows"] < 3 * 2 * 150 + 2 * 120
    assert min(report[name] for name in ("drain_s", "live_lag_p99_s", "live", "sent")) > 0
