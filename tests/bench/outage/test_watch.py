"""What lies on the disk."""

from pathlib import Path

import apsw

from bench.outage.watch import folder_bytes, outage_bytes


def test_files_of_a_folder_are_summed(tmp_path: Path) -> None:
    """Files of folders within it too."""
    (tmp_path / "in").mkdir()
    (tmp_path / "one").write_bytes(b"x" * 10)
    (tmp_path / "in" / "two").write_bytes(b"x" * 5)
    assert folder_bytes(tmp_path) == 15


def test_the_outage_on_disk_is_its_snapshots(tmp_path: Path) -> None:
    """All pieces of all snapshots; an empty journal has none."""
    db = apsw.Connection(str(tmp_path / "journal"))
    db.execute("create table piece(snapshot integer, part integer, body blob)")
    assert outage_bytes(tmp_path / "journal") == 0
    db.execute("insert into piece values (1, 0, zeroblob(100)), (1, 1, zeroblob(50)), (9, 0, zeroblob(7))")
    assert outage_bytes(tmp_path / "journal") == 157
    db.close()
