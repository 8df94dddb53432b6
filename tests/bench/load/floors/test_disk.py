"""What the disk is asked."""

from pathlib import Path

from bench.load.floors.disk import file_system, sync_times


def test_each_append_is_timed_and_nothing_stays(tmp_path: Path) -> None:
    """As many times as appends, all above zero, and the file is gone."""
    times = sync_times(tmp_path, 100, 5, 0.0)
    assert len(times) == 5
    assert (times > 0).all()
    assert not list(tmp_path.iterdir())


def test_the_file_system_has_a_name(tmp_path: Path) -> None:
    """A folder lies on a file system, /proc on its own."""
    assert file_system(tmp_path) != "unknown"
    assert file_system(Path("/proc")) == "proc"
