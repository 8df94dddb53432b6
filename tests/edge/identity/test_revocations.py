"""Tokens that end before their time."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from edge.errors import InputError
from edge.identity.revocations import REVOCATIONS_MAX, Revocations, revoke
from edge.messages.grants import Grant

ISSUED = Grant(("customer",), issued_at=100, token_id="j-1")


@pytest.mark.parametrize(
    ("lines", "ended"),
    [
        ("", False),
        ("jti j-1\n", True),
        ("jti j-2\n", False),
        ("client c-1 100\n", True),
        ("client c-1 99\n", False),
        ("client c-1 99\nclient c-1 101\nclient c-1 50\n", True),
        ("client c-2 100\n", False),
        ("\ufeff# spring\n\njti  j-1\r\n", True),
    ],
)
def test_a_line_ends_a_token_or_those_of_a_client(tmp_path: Path, lines: str, ended: bool) -> None:
    """By its `jti`, or by who signed in before a time; the latest time of a client counts."""
    path = tmp_path / "revoked"
    path.write_text(lines)
    assert (("c-1", ISSUED) in Revocations(path)) is ended


def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    """Also one that appears, and one that goes; a wrong one leaves what was, and is read again when mended."""
    path = tmp_path / "revoked"
    revocations = Revocations(path)
    assert not revocations.look()
    revoke(path, client="c-1")
    assert revocations.look()
    assert not revocations.look()
    assert ("c-1", ISSUED) in revocations
    assert ("c-1", Grant(issued_at=int(time.time()) + 60)) not in revocations
    path.write_text("nonsense\n")
    for _ in range(2):
        with pytest.raises(InputError, match="doorstep credential revoke"):
            revocations.look()
    assert ("c-1", ISSUED) in revocations
    path.unlink()
    assert revocations.look()
    assert ("c-1", ISSUED) not in revocations


@pytest.mark.parametrize("line", ["jti\n", "client c-1\n", "client c-1 soon\n", "client c-1 1 2\n", "x y z\n"])
def test_a_wrong_line_is_named(tmp_path: Path, line: str) -> None:
    """With its number, and what a line is."""
    path = tmp_path / "revoked"
    path.write_text(f"jti j-1\n{line}")
    with pytest.raises(InputError) as raised:
        Revocations(path)
    assert raised.value.line == 2


@pytest.mark.parametrize("name", ["", "rider 12", "a\nclient b 1", "x" * 129, "客"])
def test_what_would_be_no_line_is_not_written(tmp_path: Path, name: str) -> None:
    """A node could not start with such a file; and a last line that somebody left without an end stays one."""
    path = tmp_path / "revoked"
    path.write_text("jti j-1")
    with pytest.raises(InputError, match="cannot be written"):
        revoke(path, client=name)
    assert path.read_text() == "jti j-1"
    revoke(path, client="c-1")
    assert ("c-1", ISSUED) in Revocations(path)


def test_of_many_who_revoke_at_once_none_is_undone(tmp_path: Path) -> None:
    """As operators and scripts do, each with a process of its own."""
    path = tmp_path / "revoked"
    names = [f"c-{number}" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: revoke(path, client=name), names))
    found = Revocations(path)
    assert all((name, ISSUED) in found for name in names)


def test_the_file_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More lines than the bound are refused, with what to do."""
    assert REVOCATIONS_MAX > 2
    monkeypatch.setattr("edge.identity.revocations.REVOCATIONS_MAX", 2)
    path = tmp_path / "revoked"
    for number in range(3):
        revoke(path, token_id=f"j-{number}")
    with pytest.raises(InputError, match="More than 2 lines"):
        Revocations(path)
    with pytest.raises(InputError, match="cannot be changed"):
        revoke(tmp_path, client="c-1")
    with pytest.raises(InputError, match="cannot be read"):
        Revocations(tmp_path)
