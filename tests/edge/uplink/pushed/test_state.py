"""What a node keeps of pushed settings, and what counts after a start."""

from pathlib import Path

import pytest

from edge.errors import ConfigError
from edge.uplink.pushed.state import FILE, STARTS_MAX, Kept, Version, back, names, read, started, write

GOOD, TRIED = Version(3, "retention_days = 3\n"), Version(4, "retention_days = 4\n")


def test_it_comes_back_as_it_was_written(tmp_path: Path) -> None:
    """Also where nothing was; only its owner may read it."""
    assert read(tmp_path) == Kept()
    kept = Kept(good=GOOD, trial=TRIED, starts=1, about=4, outcome="trial", detail="Well.")
    write(tmp_path, kept)
    assert read(tmp_path) == kept
    assert kept.in_force == TRIED
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", ["", "{", '{"good": 1}', "\x00"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: str) -> None:
    """With what to do."""
    (tmp_path / FILE).write_text(content, encoding="utf-8")
    (tmp_path / FILE).chmod(0o600)
    with pytest.raises(ConfigError, match="Remove the file"):
        read(tmp_path)


def test_a_trial_in_which_the_node_keeps_ending_is_given_up() -> None:
    """After STARTS_MAX starts the version before counts, and the centre learns why."""
    kept = Kept(good=GOOD, trial=TRIED)
    for _ in range(STARTS_MAX):
        kept = started(kept)
        assert kept.in_force == TRIED
    kept = started(kept)
    assert (kept.in_force, kept.about, kept.outcome) == (GOOD, 4, "rolled_back")
    assert "3 times" in kept.detail
    assert started(kept) == kept


def test_going_back_without_a_trial_keeps_what_is_good() -> None:
    """It is still about the version that was reported."""
    assert back(Kept(good=GOOD, about=3), "Why.").in_force == GOOD


@pytest.mark.parametrize(
    ("options", "is_there"),
    [
        ('shops = ["noodle-bar"]', True),
        ('shops = ["noodle-bar-2"]\nlog_level = "info"', False),
        ("[dispatch]\nnoodle-bar = 3", False),
        ("[dispatch]\nprep_s = {noodle-bar = 3}", True),
        ('[dispatch]\nreply_s = 45\nshop = "noodle-bar"', True),
        ("", False),
    ],
)
def test_a_name_is_found_in_values_alone(options: str, is_there: bool) -> None:
    """In either version; the name of an option is nobody's."""
    version = Version(5, options)
    assert names(Kept(good=version), "noodle-bar") is is_there
    assert names(Kept(good=GOOD, trial=version), "noodle-bar") is is_there
