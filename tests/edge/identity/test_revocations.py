"""Tokens that end before their time."""

import time
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
