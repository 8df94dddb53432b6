"""`doorstep bench central` as a user calls it: short, whole, on real collectors."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.central import sizes, summary
from bench.central.measure import Plan
from bench.command import bench
from edge.errors import DoorstepError


@pytest.mark.parametrize(("store", "collectors"), [("sqlite", 1), ("postgresql", 2)])
def test_every_batch_is_stored_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: str, collectors: int
) -> None:
    """Nothing is lost or counted twice, also where a collector is killed; the report has what it is asked for."""
    monkeypatch.setattr(sizes, "MINUTES", 30)
    monkeypatch.setattr(sizes, "DAYS", 2)
    monkeypatch.setattr(sizes, "COPIED", 5_000)
    monkeypatch.setattr(summary, "NODES", 2)
    monkeypatch.setattr(summary, "DAYS", 2)
    words = ["central", "--store", store, "--collectors", str(collectors), "--nodes", "20", "--seconds", "2"]
    words += ["--data-dir", str(tmp_path), "--json", f"{tmp_path}/out.json"]
    result = CliRunner().invoke(bench, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]
    report = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert (report["benchmark"], report["store"], report["collectors"], report["nodes"]) == (
        "central",
        store,
        collectors,
        20,
    )
    assert (report["lost"], report["doubled"]) == (0, 0)
    assert (
        min(
            report[name]
            for name in (
                "batches_per_s",
                "stored_over_copy",
                "stored_over_copy_in_groups",
                "lag_p99_s",
                "summary_p99_ms",
                "sent",
            )
        )
        > 0
    )
    assert (report["ack_pause_s"] is None) is (collectors == 1)
    for tier in ("minutes", "hours", "days"):
        assert 0 <= report["bytes_per_node_day"][tier]["small"] <= report["bytes_per_node_day"][tier]["busy"]
    assert report["bytes_per_node_day"]["minutes"]["small"] > 0
    assert "bytes of a node-day" in result.output


def test_several_collectors_need_postgresql(tmp_path: Path) -> None:
    """The wrong combination is named before anything is measured."""
    words = ("central", "--collectors", "2", "--data-dir", str(tmp_path))
    with pytest.raises(DoorstepError, match="SQLite has one collector"):
        CliRunner().invoke(bench, words, catch_exceptions=False)


def test_the_standard_plan_is_that_of_the_page() -> None:
    """What the command measures without options."""
    assert Plan() == Plan(store="sqlite", collectors=1, nodes=500, seconds=75.0, seed=1, drain=0)
