"""Tests of edge.identity.files: whole files, and secrets that others can read or that are none."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.errors import ConfigError
from edge.identity.files import SECRET_BYTES_MAX, alone, numbered_lines, read_secret, sweep, write_atomic


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
    [
        (0o644, b"secret\n", "chmod 600"),
        (0o600, b"\n", "empty"),
        (0o600, None, "no such file. Write the secret"),
        (0o600, b"one\ntwo\n", "more than one line"),
        (0o600, b"x" * (SECRET_BYTES_MAX + 1), "more than"),
        (0o600, b"\xff\xfe\x00", "not UTF-8"),
    ],
)
def test_a_careless_secret_is_refused(tmp_path: Path, mode: int, text: bytes | None, hint: str) -> None:
    """What others may read, what is empty, what is not there and what is no line of text protects nothing."""
    path = tmp_path / "token"
    if text is not None:
        path.write_bytes(text)
        path.chmod(mode)
    with pytest.raises(ConfigError, match=f"edge.toml: link_token_file = .*token.*{hint}"):
        read_secret("edge.toml", "link_token_file", str(path))


def test_a_secret_is_the_text_of_its_file(tmp_path: Path) -> None:
    """Without the white space and the byte order mark around it; no file named is no secret."""
    path = tmp_path / "token"
    path.write_text("secret\r\n", encoding="utf-8-sig")
    path.chmod(0o600)
    assert read_secret("edge.toml", "link_token_file", str(path)) == "secret"
    assert read_secret("edge.toml", "link_token_file", "") == ""


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_what_is_no_file_is_no_secret(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """A directory, and a pipe that nobody writes to: named, without waiting."""
    make(tmp_path / "token")
    with pytest.raises(ConfigError, match="not a file"):
        read_secret("edge.toml", "link_token_file", str(tmp_path / "token"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give links away")
def test_the_link_of_another_user_is_not_followed(tmp_path: Path) -> None:
    """Our own and root's links are: secrets are often mounted as such."""
    path, link = tmp_path / "token", tmp_path / "link"
    path.write_text("secret")
    path.chmod(0o600)
    link.symlink_to(path)
    assert read_secret("edge.toml", "link_token_file", str(link)) == "secret"
    os.lchown(link, 1234, 1234)
    with pytest.raises(ConfigError, match="a link of another user"):
        read_secret("edge.toml", "link_token_file", str(link))


def test_lines_have_the_numbers_of_the_file(tmp_path: Path) -> None:
    """Comments and empty lines count and are passed over, as is a byte order mark; a long line comes in pieces."""
    path = tmp_path / "list"
    path.write_bytes(b"\xef\xbb\xbf# head\r\n\r\n one\n  # inside\ntwo\xff\r\n" + b"x" * 25)
    with path.open("rb") as file:
        found = list(numbered_lines(file, 12))
    assert found == [(3, " one"), (5, "two\ufffd"), (6, "x" * 12), (7, "x" * 12), (8, "x")]


def test_what_a_killed_process_has_left_is_swept(tmp_path: Path) -> None:
    """A file that never got its name goes, unless its process may still be writing it; others stay."""
    gone = subprocess.Popen(["true"])
    gone.wait()
    own = f"ports.json.{os.getpid()}.new"
    stay = {f"credentials.{os.getppid()}.new", "mine.new", "credentials"}
    for name in {*stay, f"credentials.{gone.pid}.new", own}:
        (tmp_path / name).touch()
    with alone(tmp_path / "credentials"):
        assert {path.name for path in tmp_path.iterdir()} == {*stay, own}
    sweep(tmp_path, own=True)
    assert {path.name for path in tmp_path.iterdir()} == stay
