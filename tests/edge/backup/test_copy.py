"""Tests of edge.backup.copy, beside real nodes."""

import os
from pathlib import Path

import pytest

from edge.backup import manifest
from edge.backup.copy import UNFINISHED
from edge.errors import DoorstepError, InputError
from edge.journal.reader import JournalReader
from tests.backups import back_up
from tests.phone import Phone, place, site


def test_a_backup_beside_a_running_node_has_every_receipt(tmp_path: Path) -> None:
    """Whatever was acknowledged before the backup began is in it, and the node goes on meanwhile."""
    with site(tmp_path / "box", "alice") as made:
        alice = Phone("alice", made.port, made.tokens["alice"])
        for number in range(1, 30):
            assert place(alice, number) == 0
        kept = back_up(made.folder / "edge.toml", tmp_path / "backups", 0)
        assert place(alice, 30) == 0
        alice.close()
    with JournalReader.open(kept) as reader:
        body = b"".join(row for _, row in reader.rows(0))
    assert all(f"o-{number}".encode() in body for number in range(1, 30))
    assert not list((tmp_path / "backups").glob(f"*{UNFINISHED}"))
    assert {path.stat().st_mode & 0o777 for path in kept.iterdir()} == {0o600}
    assert kept.stat().st_mode & 0o777 == 0o700


def test_the_oldest_go_beyond_what_is_to_be_kept(tmp_path: Path) -> None:
    """Of three backups with `keep` 2 the first is gone, and what a killed run has left; another node's stay."""
    with site(tmp_path / "box", "alice") as made:
        left = tmp_path / "backups" / f"n-1-20200101T000000.000000Z{UNFINISHED}"
        left.mkdir(parents=True)
        os.utime(left, (0, 0))
        other = tmp_path / "backups" / "n-10-20200101T000000.000000Z"
        other.mkdir(parents=True)
        (other / manifest.FILE_NAME).write_text("{}")
        all_three = [back_up(made.folder / "edge.toml", tmp_path / "backups", 2) for _ in range(3)]
    assert [path.exists() for path in all_three] == [False, True, True]
    assert other.exists()
    assert not left.exists()


@pytest.mark.parametrize("wrong", ["journal", "secret", "target"])
def test_a_backup_that_fails_leaves_nothing(tmp_path: Path, wrong: str) -> None:
    """A rotten journal, a folder that takes no file: the reason is a sentence, and no backup looks like one."""
    with site(tmp_path / "box", "alice") as made:
        alice = Phone("alice", made.port, made.tokens["alice"])
        for number in range(1, 4):
            assert place(alice, number) == 0
        alice.close()
        assert made.node.stop() == 0
    into = tmp_path / "backups"
    if wrong == "journal":
        body = made.journal.read_bytes()
        at = body.index(b"o-2")
        made.journal.write_bytes(body[:at] + b"x" + body[at + 1 :])
    elif wrong == "secret":
        (made.folder / "credentials").unlink()
        (made.folder / "credentials").mkdir()
    else:
        into.write_text("a file")
    with pytest.raises(DoorstepError) as error:
        back_up(made.folder / "edge.toml", into, 0)
    assert isinstance(error.value, InputError) or "checksum" in str(error.value)
    assert not into.is_dir() or not list(into.iterdir())
