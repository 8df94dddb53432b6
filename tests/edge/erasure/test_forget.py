"""Rewriting the journal. (With a real node: tests/e2e/test_forget.py.)"""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import apsw
import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bench.lab.site import copy_data
from edge.app.config import load
from edge.core.model import Commit, Snapshot, decode_row, decode_snapshot, encode_snapshot
from edge.core.node import Node
from edge.erasure.forget import CANARY_CHARACTERS_MIN, forget
from edge.errors import BusyError, DoorstepError, InputError
from edge.journal.reader import FILE_NAME, JournalReader
from edge.service.datadir import DataDir
from edge.uplink.pushed import state as pushed
from tests.edge.erasure.lives import DOORS, KINDS, OTHERS, PARTIES, SHOP, WORDS_OF_SENTENCES, Life
from tests.phone import Phone, site


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


def test_settings_of_the_centre_go_first(tmp_path: Path) -> None:
    """A version that names the client would bring the name back; what became of an offer goes."""
    with DataDir.open(tmp_path / "data") as data:
        (data.path / FILE_NAME).touch()
        pushed.write(data.path, pushed.Kept(pushed.Version(3, 'shops = ["noodle-bar"]'), detail="alice?"))
    with pytest.raises(DoorstepError, match="the centre's settings name it"):
        forget(config(tmp_path), "noodle-bar")
    with pytest.raises(DoorstepError, match="Nothing was ever decided"):
        forget(config(tmp_path), "alice")
    assert pushed.read(tmp_path / "data").detail == ""


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


@pytest.mark.parametrize("name", ["", " ", "a b", "x" * 65])
def test_what_is_no_name_changes_nothing(tmp_path: Path, name: str) -> None:
    """It is named, before anything is opened."""
    with pytest.raises(InputError, match="no client's name"):
        forget(config(tmp_path), name)


WORDS = (
    "plan uncertain food_waits order placed kitchen declined dispatch labels kind rider receipt milk L1 o-1 e-3 n-1 a 0"
)
NAMES = st.sampled_from(WORDS.split()) | st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")


class _Kept(NamedTuple):
    rows: list[bytes]
    state: Snapshot


def _forgotten(folder: Path, life: Life, client: str) -> tuple[_Kept, list[str], bytes]:
    """What is kept after a client is forgotten (but for the hashes of its events, which have its name), the files that
    have the letters of its name, and every byte on the disk."""
    life.write(folder / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("edge.erasure.forget.secrets.token_hex", lambda _: "0" * 12)
        done = forget(config(folder), client)
    assert done.changed
    with JournalReader.open(folder / "data") as reader:
        rows = [body for _, body in reader.rows(0)]
        body, number = reader.base()
        assert number == len(rows)
    assert body is not None
    disk = b"".join(path.read_bytes() for path in (folder / "data").iterdir())
    return _Kept(rows, msgspec.structs.replace(decode_snapshot(body), dedup=b"")), done.files, disk


@pytest.fixture(scope="module", params=list(PARTIES))
def evening(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Life, _Kept]:
    """A party, an evening in which its name is like nothing else, and what is kept of it."""
    life = Life(**{request.param: "Quux77"}).evening()
    return request.param, life, _forgotten(tmp_path_factory.mktemp("evening"), life, "Quux77")[0]


@settings(max_examples=8, deadline=None)
@given(name=NAMES)
def test_any_name_is_forgotten_as_one_that_is_like_nothing_else(
    evening: tuple[str, Life, _Kept], tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    """A customer, rider, shop or gateway may have any name: rows and state are the same then, to the byte; what others
    did and does not have it is as it was; its letters are on the disk only in something else."""
    party, life, expected = evening
    assume(not name.isdigit() and name not in [*PARTIES.values(), *OTHERS.values(), *WORDS_OF_SENTENCES])
    named = Life(**{party: name}).evening()
    found, files, disk = _forgotten(tmp_path_factory.mktemp("name"), named, name)
    assert found == expected
    assert [after for before, after in zip(life.rows, found.rows, strict=True) if b"Quux77" not in before] == [
        before for before in life.rows if b"Quux77" not in before
    ]
    logical = b"".join([*found.rows, encode_snapshot(found.state)])
    assert len(name) < CANARY_CHARACTERS_MIN or name.encode() in logical or name.encode() not in disk
    assert bool(files) is (len(name) >= CANARY_CHARACTERS_MIN and name.encode() in disk)


def test_the_others_go_on_and_a_replay_begins_behind_the_gap(evening: tuple[str, Life, _Kept]) -> None:
    """A node recovers from what is kept; the rounds after it replay to the same bytes."""
    _, life, kept = evening
    body = encode_snapshot(msgspec.structs.replace(kept.state, dedup=decode_snapshot(life.node.snapshot()).dedup))
    again, live = Node(KINDS), Life()
    again.recover(body, [])
    live.node.recover(body, [])
    live.seconds, live.rows = life.seconds, [*life.rows]
    live.send("far", "rider.shift", on=True)
    live.send("other", "order.place", order="o-9", shop="sh-2", pickup=SHOP, dropoff=DOORS["other"], prep_s=0)
    live.send("other", "order.cancel", order="o-9")
    for row in live.rows[len(life.rows) :]:
        commit = again.replay(decode_row(row))[0]
        assert isinstance(commit, Commit)
        assert commit.row == row
