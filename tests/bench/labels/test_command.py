"""`doorstep bench labels` as a user calls it: short, whole, on a real node."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.command import bench
from bench.labels.measure import Plan


@pytest.mark.parametrize("labels", [1, 300])
def test_every_price_reaches_its_label(tmp_path: Path, labels: int) -> None:
    """Nothing is lost or refused, all labels confirm, the quantiles are in order; also where all prices are for one
    label, so that some are outdated before they leave. Nothing but the report is left on the disk."""
    words = ("labels", "--labels", str(labels), "--rate", "100", "--seconds", "1", "--data-dir", str(tmp_path))
    result = CliRunner().invoke(bench, [*words, "--json", f"{tmp_path}/out.json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]
    report = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert report["benchmark"] == "labels"
    assert (report["sent"], report["shown"], report["lost"], report["refused"]) == (100, 100, 0, 0)
    assert report["unconfirmed"] == 0
    figures = report["set_to_show_ms"]
    assert 0 < figures["p50"] <= figures["p99"] <= figures["max"]
    assert figures["p999"] is None  # of 100 prices
    assert {"processor", "cores"} <= report["machine"].keys()
    assert "price.set to label.show" in result.output


def test_the_standard_plan_is_that_of_the_issue() -> None:
    """What the command measures without options."""
    assert Plan() == Plan(labels=500, rate=50.0, seconds=10.0, seed=1)
