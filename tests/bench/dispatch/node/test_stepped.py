"""The time of a node that its launcher moves."""

from pathlib import Path

from bench.dispatch.node.stepped import Seam, SteppedClock
from edge.core.model import Now


def test_both_processes_see_the_same(tmp_path: Path) -> None:
    """What one side writes into the seam the other side reads, and neither overwrites the other's part."""
    launcher, node = Seam(tmp_path / "seam"), Seam(tmp_path / "seam")
    launcher.now = Now(60.0, 1_767_225_660_000)
    node.read = 7
    launcher.now = Now(120.0, 1_767_225_720_000)
    assert (node.now, launcher.read) == (Now(120.0, 1_767_225_720_000), 7)


def test_the_clock_stands_until_a_round_is_complete(tmp_path: Path) -> None:
    """It has the instant at its start, whatever the launcher has written since, and no timer of the core is near."""
    seam = Seam(tmp_path / "seam")
    seam.now = Now(60.0, 1_767_225_660_000)
    clock = SteppedClock(seam)
    seam.now = Now(90.0, 1_767_225_690_000)
    assert (clock.now(), clock.mono()) == (Now(60.0, 1_767_225_660_000), 60.0)
    assert clock.real_s(0.0) >= 3600
