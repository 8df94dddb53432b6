"""The configuration of a start: what was pushed counts, and never keeps a node from its start."""

from pathlib import Path

import pytest

from edge.app.settings import keep, started
from edge.core.model import Now
from edge.errors import ConfigError
from edge.health.status import Status
from edge.uplink.pushed.state import FILE, Kept, Version, read, write

GOOD, BAD = Version(3, "retention_days = 3\n"), Version(4, 'listen = "127.0.0.1:1"\n')


@pytest.fixture
def config(tmp_path: Path) -> str:
    """An operator's file, with a data directory."""
    (tmp_path / "data").mkdir()
    path = tmp_path / "edge.toml"
    path.write_text('node = "n-1"\nretention_days = 9\n', encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("kept", "days", "problem"),
    [
        (None, 9, ""),
        (Kept(good=GOOD), 3, ""),
        (Kept(good=GOOD, trial=Version(4, "retention_days = 4\n")), 4, ""),
        (Kept(good=GOOD, trial=Version(4, "retention_days = 4\n"), starts=2), 3, ""),
        (Kept(good=GOOD, trial=BAD), 3, "Version 4"),
        (Kept(good=BAD), 9, "Version 4"),
        (Kept(good=BAD, trial=BAD), 9, "Version 4"),
    ],
)
def test_the_newest_version_that_can_be_used_counts(
    config: str, tmp_path: Path, kept: Kept | None, days: float, problem: str
) -> None:
    """Else the one before it, else the operator's file alone, with a problem that names the version."""
    if kept is not None:
        write(tmp_path / "data", kept)
    start = started(config)
    assert start.config.retention_days == days
    assert start.problem.startswith(problem)
    assert bool(start.problem) is bool(problem)


def test_a_start_is_written_down_and_a_problem_reported(config: str, tmp_path: Path) -> None:
    """The trial's starts are counted on disk; an unreadable file is a problem, and no obstacle."""
    write(tmp_path / "data", Kept(good=GOOD, trial=Version(4, "retention_days = 4\n")))
    status = Status("n-1", Now(0.0, 0))
    keep(tmp_path / "data", started(config), status)
    assert read(tmp_path / "data").starts == 1
    (tmp_path / "data" / FILE).write_text("{", encoding="utf-8")
    start = started(config)
    assert start.config.retention_days == 9
    keep(tmp_path / "data", start, status)
    assert "Remove the file" in {p["name"]: p["sentence"] for p in status.report(Now(1.0, 1))["problems"]}["settings"]


def test_a_broken_file_of_the_operator_stops_the_start(config: str) -> None:
    """As ever."""
    Path(config).write_text("node = 3\n", encoding="utf-8")
    with pytest.raises(ConfigError):
        started(config)
