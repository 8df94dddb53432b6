"""Tests of `doorstep bench times`: the table and the report."""

import json
from pathlib import Path

from click.testing import CliRunner

from bench.times.command import times
from bench.times.measure import CASES

SMALL = Path(__file__).parents[2] / "data" / "small-district"


def test_it_reports_every_case(tmp_path: Path) -> None:
    """With and without learning, in the table and in the file."""
    path = tmp_path / "times.json"
    result = CliRunner().invoke(times, ["--instances", str(SMALL), "--json", str(path)], env={"COLUMNS": "160"})
    assert result.exit_code == 0, result.output
    report = json.loads(path.read_text())
    for name in CASES:
        assert name in result.stdout
        for how in ("learning", "not learning"):
            assert all(part["promises"] >= 0 for part in report[f"{name}, {how}"].values())
