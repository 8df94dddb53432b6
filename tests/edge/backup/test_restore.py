"""Tests of edge.backup.restore: the drill."""

import shutil
from pathlib import Path

import pytest

from bench.lab.site import Site
from edge.backup.restore import restore
from edge.errors import BusyError, InputError
from tests.backups import back_up
from tests.phone import Phone, place, site


def test_the_drill(tmp_path: Path) -> None:
    """The box is lost; its backup on another one serves: the same clients with their tokens, the same answer to an
    event that was decided, and new decisions."""
    with site(tmp_path / "box", "alice") as made:
        alice = Phone("alice", made.port, made.tokens["alice"])
        assert place(alice, 1) == 0
        first = alice.raw("receipt")
        kept = back_up(made.folder / "edge.toml", tmp_path / "backups", 0)
        alice.close()
    shutil.rmtree(tmp_path / "box")
    new = tmp_path / "another"
    new.mkdir()
    found, places = restore(kept, new / "edge.toml", replace=False)
    assert (new / "edge" / "journal.sqlite3") in places
    assert found.holds.startswith("rows 1 to ")
    assert (new / "credentials").stat().st_mode & 0o777 == 0o600
    with Site(new) as again:
        again.port, again.status_port = made.port, made.status_port
        again.node.start()
        alice = Phone("alice", again.port, made.tokens["alice"])
        assert place(alice, 1) == 0
        assert alice.raw("receipt") == first
        assert place(alice, 2) == 0
        alice.close()


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A backup of a node that has decided nothing."""
    with site(tmp_path / "box", "alice") as made:
        return back_up(made.folder / "edge.toml", tmp_path / "backups", 0)


@pytest.mark.parametrize("name", ["edge.toml", "credentials", "journal.sqlite3", "manifest.json"])
@pytest.mark.parametrize("damage", ["gone", "changed"])
def test_a_damaged_backup_is_refused_by_its_file(tmp_path: Path, kept: Path, name: str, damage: str) -> None:
    """Gone or one byte otherwise: the file is named, and nothing is written."""
    path = kept / name
    body = path.read_bytes()
    path.unlink()
    if damage == "changed":
        path.write_bytes(bytes([body[0] ^ 1]) + body[1:])
    with pytest.raises(InputError, match=name if damage == "changed" or name != "manifest.json" else "no backup"):
        restore(kept, tmp_path / "new" / "edge.toml", replace=True)
    assert not (tmp_path / "new").exists()


def test_what_is_there_stays_unless_asked(tmp_path: Path, kept: Path) -> None:
    """A changed configuration is in the way until --replace is given; a journal always is."""
    new = tmp_path / "new"
    new.mkdir()
    (new / "edge.toml").write_text("mine")
    with pytest.raises(InputError, match="--replace"):
        restore(kept, new / "edge.toml", replace=False)
    assert [path.name for path in new.iterdir()] == ["edge.toml"]
    restore(kept, new / "edge.toml", replace=True)
    assert "mine" not in (new / "edge.toml").read_text()
    with pytest.raises(BusyError, match="move its data directory away"):
        restore(kept, new / "edge.toml", replace=True)
    journal = new / "edge" / "journal.sqlite3"
    journal.replace(f"{journal}-wal")  # a WAL alone would be played into what is restored
    with pytest.raises(BusyError, match="move its data directory away"):
        restore(kept, new / "edge.toml", replace=True)


def test_a_backup_cannot_write_elsewhere(tmp_path: Path, kept: Path) -> None:
    """A name in the manifest that leads out of the backup's folder is damage."""
    manifest = kept / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"name": "credentials"', '"name": "../credentials"'))
    with pytest.raises(InputError, match=r"not what was backed up|cannot be read"):
        restore(kept, tmp_path / "new" / "edge.toml", replace=False)
