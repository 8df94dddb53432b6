"""Tests of edge.journal.reader: reading beside a writer, copies, and what is no journal."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import InputError
from edge.journal.reader import FORGOTTEN, READ_ROWS, JournalReader, RowError, checksum
from edge.journal.writer import WAL_BYTES_MAX
from tests.edge.journals import Writing, filled, number_of, row, session, snapshot

ROOT = Path(__file__).resolve().parents[3]


def test_a_reader_sees_rows_while_they_are_written(tmp_path: Path) -> None:
    """Every committed row is there at once, and those that come while it reads follow."""
    path = tmp_path / "journal.sqlite3"

    async def work(writing: Writing) -> None:
        await writing.write(range(1, 2 * READ_ROWS + 1))
        with JournalReader.open(path) as reader:
            rows = reader.rows(0)
            assert [number_of(next(rows)[1]) for _ in range(10)] == list(range(1, 11))
            await writing.write(range(2 * READ_ROWS + 1, 3 * READ_ROWS + 8))
            assert [number for number, _ in rows] == list(range(11, 3 * READ_ROWS + 8))
            assert reader.row(5) == row(5)
            assert reader.row(10**9) is None

    session(path, work)


def test_a_slow_reader_does_not_hold_up_checkpoints(tmp_path: Path) -> None:
    """A reader in the middle of its rows leaves the WAL as small as without it."""
    path = tmp_path / "journal.sqlite3"

    async def work(writing: Writing) -> None:
        await writing.write(range(1, 1001))
        with JournalReader.open(path) as reader:
            rows = reader.rows(0)
            next(rows)
            for start in range(1001, 6001, 500):
                await writing.write(range(start, start + 500), size=4000)
            assert path.with_name(path.name + "-wal").stat().st_size < 3 * WAL_BYTES_MAX
            next(rows)

    session(path, work)


def test_bytes_that_became_text_are_a_damaged_page(tmp_path: Path) -> None:
    """Where rot has made text of a row's body, which is no UTF-8, the journal is named and the damage, as elsewhere."""
    path = filled(tmp_path / "journal.sqlite3", 10)
    db = apsw.Connection(str(path))
    for statement in (
        "PRAGMA writable_schema = ON",  # a strict table would not take it
        "UPDATE sqlite_schema SET sql = replace(sql, ' STRICT', '') WHERE name = 'row'",
        "PRAGMA writable_schema = RESET",
        "UPDATE row SET body = CAST(x'95ff' AS TEXT) WHERE number = 5",
    ):
        db.execute(statement)
    db.close()
    with JournalReader.open(path) as reader, pytest.raises(RowError, match="damaged"):
        list(reader.rows(0))


def test_reading_changes_nothing(tmp_path: Path) -> None:
    """A closed journal is the same bytes after a reader."""
    path = filled(tmp_path / "journal.sqlite3", 100)
    before = path.read_bytes()
    with JournalReader.open(path) as reader:
        assert len(list(reader.rows(0))) == 100
    assert path.read_bytes() == before


def test_a_data_directory_will_do(tmp_path: Path) -> None:
    """The directory that holds the journal stands for it."""
    filled(tmp_path / "journal.sqlite3", 5)
    with JournalReader.open(tmp_path) as reader:
        assert reader.bounds() == (1, 5)
        assert reader.base() == (None, 0)


def test_a_copy_of_a_live_journal_can_be_read(tmp_path: Path) -> None:
    """File and WAL, copied while the node runs, are a journal."""
    path = tmp_path / "live" / "journal.sqlite3"
    path.parent.mkdir()
    copy = tmp_path / "copy"
    copy.mkdir()

    async def work(writing: Writing) -> None:
        await writing.write(range(1, 51))
        for suffix in ("", "-wal"):
            shutil.copy(path.with_name(path.name + suffix), copy)

    session(path, work)
    with JournalReader.open(copy) as reader:
        assert [number for number, _ in reader.rows(0)] == list(range(1, 51))


READ = """
import os, sys
from pathlib import Path
from edge.journal.reader import JournalReader
if os.geteuid() == 0:
    os.setresuid(65534, 65534, 65534)
with JournalReader.open(Path(sys.argv[1])) as reader:
    print(len(list(reader.rows(0))))
"""


def test_a_read_only_backup_can_be_read(tmp_path: Path) -> None:
    """A closed journal in a folder where nothing may be written needs no copy."""
    path = filled(tmp_path / "journal.sqlite3", 20)
    # Root may write anywhere, so it reads as nobody, who cannot walk through pytest's private folders.
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        shutil.copy(path, copy)
        copy.chmod(0o444)
        copy.parent.chmod(0o555)
        done = subprocess.run(
            [sys.executable, "-c", READ, str(copy)], cwd=ROOT, capture_output=True, text=True, check=False
        )
        copy.parent.chmod(0o755)
    assert done.stdout == "20\n", done.stderr


def test_a_replay_begins_at_the_oldest_whole_snapshot(tmp_path: Path) -> None:
    """Row 1 pruned: the oldest snapshot is the base, or the next one where that is damaged."""
    path = filled(tmp_path / "journal.sqlite3", 100, snapshots=[20, 40, 60])
    db = apsw.Connection(str(path))
    db.execute("DELETE FROM row WHERE number <= 20")
    with JournalReader.open(path) as reader:
        assert reader.base() == (snapshot(20), 20)
        db.execute("UPDATE snapshot SET crc = crc + 1 WHERE number = 20")
        assert reader.base() == (snapshot(40), 40)
        db.execute("UPDATE snapshot SET crc = crc + 1 WHERE number > 20")
        with pytest.raises(RowError, match="the snapshot at row 60 fails its checksum"):
            reader.base()
    db.close()


def test_the_state_at_the_end_begins_at_the_newest_whole_snapshot(tmp_path: Path) -> None:
    """The one before where that is damaged, and the first row where none is whole."""
    path = filled(tmp_path / "journal.sqlite3", 100, snapshots=[20, 40])
    db = apsw.Connection(str(path))
    with JournalReader.open(path) as reader:
        assert reader.newest() == (snapshot(40), 40)
        db.execute("UPDATE snapshot SET crc = crc + 1 WHERE number = 40")
        assert reader.newest() == (snapshot(20), 20)
        db.execute("UPDATE snapshot SET crc = crc + 1 WHERE number = 20")
        assert reader.newest() == (None, 0)
    db.close()


@pytest.mark.parametrize("content", [None, b"", b"plain text, and not even short: " * 200])
def test_what_is_no_journal_is_named(tmp_path: Path, content: bytes | None) -> None:
    """Nothing there, an empty file, another file: an InputError with the path and what to do."""
    path = tmp_path / "journal.sqlite3"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"journal\.sqlite3.*(Give|Name) ") as error:
        JournalReader.open(path)
    assert error.value.exit_code == 2


@given(st.binary(max_size=200), st.integers(1, 2**40), st.integers(0, 2**45), st.data())
def test_the_checksum_covers_number_stamp_and_body(body: bytes, number: int, wall_ms: int, data: st.DataObject) -> None:
    """Any one bit of any of them changes it."""
    crc = checksum(number, wall_ms, body)
    assert checksum(number ^ 1 << data.draw(st.integers(0, 60)), wall_ms, body) != crc
    assert checksum(number, wall_ms ^ 1 << data.draw(st.integers(0, 60)), body) != crc
    if body:
        flipped = bytearray(body)
        flipped[data.draw(st.integers(0, len(body) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        assert checksum(number, wall_ms, bytes(flipped)) != crc


def test_a_replay_begins_behind_what_was_changed(tmp_path: Path) -> None:
    """Row 1 is there, and not what it was: the first snapshot from the mark on is the base."""
    path = filled(tmp_path / "journal.sqlite3", 100, snapshots=[20, 40, 60])
    db = apsw.Connection(str(path))
    db.execute("INSERT INTO meta VALUES (?, 40)", (FORGOTTEN,))
    db.close()
    with JournalReader.open(path) as reader:
        assert reader.base() == (snapshot(40), 40)
