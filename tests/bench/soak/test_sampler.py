"""What /proc shows of a process."""

import os
from pathlib import Path

import pytest

from bench.soak.sampler import resources


def test_resources_are_those_of_the_process(tmp_path: Path) -> None:
    """An open file is one descriptor more; a process that is gone is none."""
    rss_mb, fds = resources(os.getpid())
    with (tmp_path / "one").open("wb"):
        assert resources(os.getpid())[1] == fds + 1
    assert rss_mb > 5
    with pytest.raises(FileNotFoundError):
        resources(2**22 + 1)
