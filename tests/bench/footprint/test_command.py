"""A node's footprint as a user asks for it: few starts, a short hour."""

from pathlib import Path

from click.testing import CliRunner

from bench.command import bench
from tests.bench.cli_options import read


def test_everything_a_node_takes_is_reported(tmp_path: Path) -> None:
    """Start-up, memory in three states, wake-ups and the installation; the load came through whole."""
    load = ("--hours", "0.2", "--speed", "360", "--orders-per-hour", "200", "--riders", "60", "--orders", "60")
    result, report = read(tmp_path, "footprint", "--starts", "1", "--idle-s", "1", *load)
    assert result.exit_code == 0, result.output
    for state in ("empty", "after_hour"):
        assert 0 < report["start_s"][state]["min"] <= report["start_s"][state]["median"]
    hour, full = report["after_hour"], report["full_house"]
    assert hour["orders"] == 40
    assert hour["rows"] > 40
    assert hour["positions"] > 0
    assert hour["data_mb"] > 0
    assert hour["disk_written_kb_per_order"] >= 0
    assert full["orders_open"] == 60
    assert all(1 < part["rss_mb"] < 1_000 for part in (report["idle"], hour, full))
    assert report["idle"]["wake_ups_per_s"] > 0
    assert report["installed"]["total_mb"] > 10
    assert "resident, 60 riders, 60 open orders" in result.output


def test_more_open_orders_than_riders_is_a_usage_error() -> None:
    """Each rider carries one: the message states it before anything runs."""
    result = CliRunner().invoke(bench, ["footprint", "--riders", "10", "--orders", "11"])
    assert result.exit_code == 2
    assert "as many riders" in result.output
