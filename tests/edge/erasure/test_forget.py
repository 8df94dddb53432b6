"""Rewriting the journal. (With a real node: tests/e2e/test_forget.py.)"""

import shutil
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from bench.lab.site import copy_data
from edge.app.config import load
from edge.erasure.forget import forget
from edge.errors import BusyError, DoorstepError, InputError
from edge.journal.reader import FILE_NAME, JournalReader
from edge.service.datadir import DataDir
from tests.phone import SHOP, Phone, site


def config(folder: Path):
    """Of a node."""
    path = folder / "edge.toml"
    if not path.exists():
        path.write_text('node = "n-1"\n')
    return load(path)


def test_where_nothing_is_kept_nothing_is_done(tmp_path: Path) -> None:
    """No journal, and one that is in use."""
    with pytest.raises(InputError, match="There is no journal"):
        forget(config(tmp_path), "alice")
    with DataDir.open(tmp_path / "data"), pytest.raises(BusyError, match="in use"):
        forget(config(tmp_path), "alice")


def test_a_rewritten_journal_is_whole_and_a_failure_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every checksum fits, a replay begins at its end; where the disk fails in the middle the file is as it was."""
    with site(tmp_path, "alice", "bobby") as made:
        for name, lat in (("alice", 31.201), ("bobby", 31.202)):
            phone = Phone(name, made.port, made.tokens[name])
            door = {"lat": lat, "lon": 121.4 + lat / 1000}
            phone.send("order.place", id="p", order=f"o-{name[0]}", shop="s", pickup=SHOP, dropoff=door, prep_s=0)
            phone.answer("receipt")
            if name == "alice":
                phone.send("order.cancel", id="c", order="o-a")
                phone.answer("update")
            phone.close()
        made.node.stop()
    loaded = load(tmp_path / "edge.toml")

    def fails(*_: object) -> None:
        raise apsw.FullError("the disk is full")

    with JournalReader.open(made.node_data) as reader:
        before = list(reader.rows(0))
    with monkeypatch.context() as patch:
        patch.setattr("edge.erasure.forget.write_snapshot", fails)
        with pytest.raises(DoorstepError, match="could not be rewritten"):
            forget(loaded, "alice")
    with JournalReader.open(made.node_data) as reader:
        assert list(reader.rows(0)) == before
    done = forget(loaded, "alice")
    assert done.rows == len(before) > done.changed > 0
    assert b"alice" not in (made.node_data / FILE_NAME).read_bytes()
    with JournalReader.open(made.node_data) as reader:
        _, last = reader.bounds()
        assert len(list(reader.rows(0))) == done.rows
        assert reader.base()[1] == last
    assert forget(loaded, "alice").changed == 0
    with pytest.raises(DoorstepError, match="open order"):
        forget(loaded, "bobby")


DIES = """
import os, sys
from edge.app.config import load
from edge.erasure import forget

def dying(name, step):
    def call(*words):
        if any(isinstance(word, str) and word.startswith(sys.argv[2]) for word in (name, *words)):
            os.kill(os.getpid(), 9)
        return step(*words)
    return call

for name in ("query", "remove", "_look_for"):
    setattr(forget, name, dying(name, getattr(forget, name)))
forget.forget(load(sys.argv[1]), "alice")
"""
"""`doorstep forget` that is killed before a step: an SQL statement, or a function."""


def test_a_power_cut_at_any_step_leaves_all_of_it_or_none(tmp_path: Path) -> None:
    """The journal is whole, and has the client or has it not; the credentials go last; again, and no byte is left."""
    with site(tmp_path, "alice", "bobby") as made:
        for name in ("alice", "bobby"):
            phone = Phone(name, made.port, made.tokens[name])
            phone.send("order.place", id="p", order=f"o-{name[0]}", shop="s", pickup=SHOP, dropoff=SHOP, prep_s=0)
            phone.send("order.cancel", id="c", order=f"o-{name[0]}")
            phone.answer("update")
            phone.close()
        made.node.stop()
        bodies = set[bytes]()
        for step in ("UPDATE", "DELETE FROM piece", "INSERT OR", "VACUUM", "PRAGMA wal_", "remove", "_look_for"):
            folder = tmp_path / step.replace(" ", "-")
            copy_data(made.node_data, folder / "edge")
            for name in ("edge.toml", "credentials"):
                shutil.copy2(tmp_path / name, folder)
            command = [sys.executable, "-c", DIES, str(folder / "edge.toml"), step]
            assert subprocess.run(command, check=False, timeout=60).returncode == -9
            with JournalReader.open(folder / "edge") as reader:
                body = b"".join(body for _, body in reader.rows(0))
                bodies.add(b"alice" if b"alice" in body else b"gone")
                state, number = reader.newest()
                assert number == reader.bounds()[1] or b"alice" in body
                assert state is not None
            if b"alice" in body:
                assert "alice" in (folder / "credentials").read_text()
            forget(load(folder / "edge.toml"), "alice")
            assert not [path for path in folder.rglob("*") if path.is_file() and b"alice" in path.read_bytes()]
        assert bodies == {b"alice", b"gone"}


@pytest.mark.parametrize("name", ["", " ", "a b", "x" * 65, "order", "order.place", "delivered", "lat", "o-b"])
def test_a_name_that_means_something_else_changes_nothing(tmp_path: Path, name: str) -> None:
    """What is no name, a word of the messages, or another's order: it is named, and every byte stays."""
    with site(tmp_path, "bob") as made:
        bob = Phone("bob", made.port, made.tokens["bob"])
        bob.send("order.place", id="p", order="o-b", shop="s", pickup=SHOP, dropoff=SHOP, prep_s=0)
        bob.answer("receipt")
        bob.close()
        made.node.stop()
        before = made.journal.read_bytes()
        with pytest.raises(DoorstepError, match=r"no client's name|word of the messages|Somebody else"):
            forget(load(tmp_path / "edge.toml"), name)
        assert made.journal.read_bytes() == before
