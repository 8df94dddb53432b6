"""Tests of edge.files: whole files, and secrets that others can read or that are none."""

import os
from pathlib import Path

import pytest

from edge.errors import ConfigError
from edge.files import read_secret, write_atomic


def test_a_file_is_replaced_whole_and_private(tmp_path: Path) -> None:
    """The new text stands under the old name, for its owner only, and nothing else is left."""
    path = tmp_path / "ports.json"
    for text in ("one\n", "two\n"):
        write_atomic(path, text)
        assert path.read_text() == text
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_root_leaves_a_file_to_its_owner(tmp_path: Path) -> None:
    """Who read the old file can read the new one."""
    path = tmp_path / "credentials"
    path.write_text("old")
    os.chown(path, 1234, 1234)
    write_atomic(path, "new")
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 1234)


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    """A directory stands where the file should be."""
    path = tmp_path / "taken"
    path.mkdir()
    with pytest.raises(OSError, match="taken"):
        write_atomic(path, "new")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("mode", "text", "hint"),
    [(0o644, "secret\n", "chmod 600"), (0o600, "\n", "empty"), (0o600, None, "No such file")],
)
def test_a_careless_secret_is_refused(tmp_path: Path, mode: int, text: str | None, hint: str) -> None:
    """What others may read, what is empty and what is not there protects nothing."""
    path = tmp_path / "token"
    if text is not None:
        path.write_text(text)
        path.chmod(mode)
    with pytest.raises(ConfigError, match=f"edge.toml: link_token_file = .*token.*{hint}"):
        read_secret("edge.toml", "link_token_file", str(path))


def test_a_secret_is_the_text_of_its_file(tmp_path: Path) -> None:
    """Without the white space around it; no file named is no secret."""
    path = tmp_path / "token"
    path.write_text("secret\n")
    path.chmod(0o600)
    assert read_secret("edge.toml", "link_token_file", str(path)) == "secret"
    assert read_secret("edge.toml", "link_token_file", "") == ""
