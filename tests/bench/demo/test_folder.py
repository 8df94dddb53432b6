"""The folder of one run."""

from pathlib import Path

import pytest

from bench.demo.folder import MARK, prepare
from edge.errors import InputError


def test_folders_of_others_are_left_alone(tmp_path: Path) -> None:
    """An empty folder is taken, an earlier demonstration's is replaced, anything else is refused by name."""
    prepare(tmp_path / "new" / "deep")
    assert (tmp_path / "new" / "deep" / MARK).exists()
    (tmp_path / "new" / "deep" / "journal").write_text("old")
    prepare(tmp_path / "new" / "deep")
    assert not (tmp_path / "new" / "deep" / "journal").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis").write_text("years of work")
    with pytest.raises(InputError, match="mine"):
        prepare(tmp_path / "mine")
    with pytest.raises(InputError, match="thesis"):
        prepare(tmp_path / "mine" / "thesis")
    assert (tmp_path / "mine" / "thesis").read_text() == "years of work"
