"""This tree against a revision, as a user calls it: short, whole, on real processes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.command import bench
from bench.source import git
from edge.errors import InputError


def test_head_against_head(tmp_path: Path, program: Callable[[str], str]) -> None:
    """Two rounds of one second: both nodes answer everything, and two rounds show no difference."""
    program("mosquitto")
    program("git")
    out = tmp_path / "out.json"
    words = ["compare", "HEAD", "--rate", "50", "--riders", "5", "--seconds", "1", "--rounds", "2"]
    result = CliRunner().invoke(bench, [*words, "--data-dir", str(tmp_path), "--json", str(out)])
    assert result.exit_code == 0, result.output
    assert list(tmp_path.iterdir()) == [out]
    report = json.loads(out.read_text())
    head = git("rev-parse", "HEAD")
    assert {report[name]["commit"] for name in ("this", "other")} == {head} == {report["versions"]["commit"]}
    assert report["other"] == {
        "commit": head,
        "dirty": False,
        "environment": report["this"]["environment"],
        "sent": 100,
        "lost": 0,
        "refused": 0,
        "duplicates": 0,
        "revision": "HEAD",
    }
    assert report["figures"].keys() == {"cpu_us", "p50", "p99"}
    for figure in report["figures"].values():
        assert len(figure["ratios"]) == 2
        assert (figure["low"], figure["high"], figure["verdict"]) == (None, None, "no difference shown")
    assert [len(report["rounds"][name]) for name in ("this", "other")] == [2, 2]
    assert report["plan"]["rate"] == 50
    assert len(report["machine"]["load_average"]) == 3
    assert "2 pairs of rounds" in result.output


@pytest.mark.parametrize("revision", ["no-such-revision", "--", "HEAD:edge", "some.json"])
def test_an_unknown_revision_is_named_before_anything_runs(revision: str) -> None:
    """Also one that looks like an option, one that is no commit, and a single report."""
    with pytest.raises(InputError, match="no revision of this repository") as raised:
        CliRunner().invoke(bench, ["compare", "--", revision], catch_exceptions=False)
    assert raised.value.exit_code == 2
