"""`doorstep bench dispatch` as people call it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bench.dispatch.command import dispatch
from tests.bench.dispatch.days import ALONE, SMALL, TOWN, write


def call(*arguments: str) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(dispatch, arguments)


def test_days_are_run_scored_exported_and_drawn(tmp_path: Path) -> None:
    """Two folders after one --instances: a report in the sequence named, solutions, a picture and a table."""
    write(TOWN, tmp_path / "town")
    report, picture = tmp_path / "out.json", tmp_path / "out.svg"
    done = call(
        "--instances", str(tmp_path / "town"), str(SMALL), "--policy", "nearest", "--json", str(report),
        "--export", str(tmp_path / "solutions"), "--plot", str(picture),
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    written = json.loads(report.read_text())
    assert list(written) == ["instances", "mean", "response", "versions"]
    assert list(written["instances"]) == ["town", "small-district"]
    assert (tmp_path / "solutions" / "town" / "solution_info_orders.txt").exists()
    assert "<svg" in picture.read_text()
    assert "published, mean of 240" in done.output


def test_uncertain_preparation_is_another_day(tmp_path: Path) -> None:
    """With mean preparation times the same day ends differently, and the table shows it."""
    for name, more in (("known", ()), ("mean", ("--uncertain",))):
        done = call("--instances", str(SMALL), "--policy", "rolling-horizon", "--json", str(tmp_path / name), *more)
        assert done.exit_code == 0, done.output
    known, mean = (json.loads((tmp_path / name).read_text())["mean"] for name in ("known", "mean"))
    assert known["rtp_mean"] != mean["rtp_mean"]
    assert known["lb_ctd"] == mean["lb_ctd"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--instances", "/nowhere", "--json", "out.json"], "no such folder"),
        (["--instances", str(SMALL), "--json", "/nowhere/out.json"], "existing folder"),
        (["--instances", str(SMALL), "--json", str(SMALL)], "existing folder"),
        (["--instances", str(SMALL), "--json", "out.json", "--plot", "/nowhere/x.svg"], "existing folder"),
        (["--instances", str(SMALL), "--json", "out.json", "--track", "open"], "not built. Use --track strict"),
    ],
)
def test_bad_input_is_named(arguments: list[str], message: str) -> None:
    """What cannot be used ends the command with a sentence about it."""
    assert message in str(call(*arguments).exception)


def test_what_does_not_fit_together_is_refused() -> None:
    """Nothing to run, more than every courier refusing, a picture of no day: usage, and why."""
    for arguments, message in (
        (["--json", "out.json"], "--instances"),
        (["--instances", str(SMALL), "--json", "out.json", "--decline", "0.7", "--silent", "0.7"], "more than 1"),
        (["--instances", str(SMALL), "--keep", "--json", "out.json"], "--keep is for --riders real"),
        (
            ["--instances", str(SMALL), "--riders", "real", "--silent", "0.1", "--json", "out.json"],
            "runs doorstep alone",
        ),
        (["--riders", "real", "--decide-times", "--json", "out.json"], "runs doorstep alone"),
        (["--decide-times", "--node", "--json", "out.json"], "--node compares days"),
        (["--decide-times", "--json", "out.json", "--plot", "out.svg"], "--plot draws days"),
    ):
        done = call(*arguments)
        assert done.exit_code == 2
        assert message in done.output


def test_doorstep_stands_beside_the_baseline_and_its_refusals(tmp_path: Path) -> None:
    """It is the default, the published method runs beside it, refusals are a mode of their own."""
    report = tmp_path / "out.json"
    done = call("--instances", str(SMALL), "--decline", "0.2", "--silent", "0.1", "--json", str(report))
    assert done.exit_code == 0, done.output
    written = json.loads(report.read_text())
    assert written["baseline"]["policy"] == "rolling-horizon"
    assert written["baseline"]["mean"] != written["baseline_each_minute"]["mean"]
    assert written["refusals"]["offers_declined"] > 0
    assert written["mean"] != written["baseline"]["mean"]
    assert "rolling-horizon beside it" in done.output
    assert "not the strict track" in done.output


def test_nothing_runs_beside_where_nobody_asks(tmp_path: Path) -> None:
    """Without baseline and refusals the report is that of the policy alone."""
    report = tmp_path / "out.json"
    done = call("--instances", str(SMALL), "--baseline", "none", "--json", str(report))
    assert done.exit_code == 0, done.output
    assert list(json.loads(report.read_text())) == ["instances", "mean", "versions"]


def test_a_node_is_compared_where_one_asks(tmp_path: Path) -> None:
    """With --node each day goes through a node process, too, and the report has every decision of it."""
    write(ALONE, tmp_path / "alone")
    report = tmp_path / "out.json"
    done = call("--instances", str(tmp_path / "alone"), "--baseline", "none", "--node", "--json", str(report))
    assert done.exit_code == 0, done.output
    assert "alone: 1 orders" in done.output
    written = json.loads(report.read_text())["node"]["alone"]
    assert (written["same"], list(written["decided"])) == (True, ["o1"])


def test_real_riders_have_a_table_of_their_own(tmp_path: Path) -> None:
    """Each case is in the table and in the report, beside what it has to reach."""
    report = tmp_path / "out.json"
    done = call("--instances", str(SMALL), "--riders", "real", "--keep", "--json", str(report))
    assert done.exit_code == 0, done.output
    written = json.loads(report.read_text())
    assert (written["riders"], written["instances"], written["keep"]) == ("real", ["small-district"], True)
    assert written["rows"]["all known: calm days"]["must"]["late_percent"] == 3
    assert "rides 30 % slower" in done.output
