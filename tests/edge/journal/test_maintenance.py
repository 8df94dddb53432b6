"""Tests of edge.journal.maintenance: snapshots in pieces, which of them stay, and what deletion leaves."""

import os
from itertools import pairwise
from pathlib import Path

import apsw
from hypothesis import given
from hypothesis import strategies as st

from edge.journal.maintenance import SNAPSHOT_PIECE_BYTES, SNAPSHOTS_KEPT, expired_snapshots
from edge.journal.reader import JournalReader, StoredSnapshot
from edge.limits import SNAPSHOT_SPACING_MS
from tests.edge.journals import T0, Writing, filled, recovered, session, snapshot

HOUR_MS = 3_600_000


def bounds(path: Path) -> tuple[int, int]:
    """The first and the last row."""
    with JournalReader.open(path) as reader:
        return reader.bounds()


def test_a_large_snapshot_comes_back_to_the_byte(tmp_path: Path) -> None:
    """Bodies that do not compress take several pieces; empty ones take one."""
    path = tmp_path / "journal.sqlite3"
    bodies = [b"", b"x", os.urandom(SNAPSHOT_PIECE_BYTES), os.urandom(5 * SNAPSHOT_PIECE_BYTES + 1)]

    async def work(writing: Writing) -> None:
        for number, body in enumerate(bodies, 1):
            await writing.write([number])
            await writing.keep(number, body)
            assert writing.journal.recover().snapshot == body

    session(path, work)
    assert recovered(path) == (bodies[-1], [])


def test_the_same_snapshot_twice_is_written_once(tmp_path: Path) -> None:
    """A snapshot at a row that has one changes nothing, not even for a moment."""
    path = filled(tmp_path / "journal.sqlite3", 40, snapshots=[10, 20, 30])

    async def work(writing: Writing) -> None:
        await writing.write([41])
        await writing.keep(41, snapshot(41))
        writing.journal.snapshot(41, b"another")
        await writing.write([42])
        assert writing.snapshots() == [10, 20, 30, 41]

    session(path, work)
    assert recovered(path) == (snapshot(41), [42])


def test_commits_go_on_while_a_snapshot_is_written(tmp_path: Path) -> None:
    """Rows submitted after a large snapshot are committed before it is whole."""
    path = tmp_path / "journal.sqlite3"

    async def work(writing: Writing) -> None:
        await writing.write([1])
        writing.journal.snapshot(1, os.urandom(100 * SNAPSHOT_PIECE_BYTES))
        await writing.write(range(2, 12))
        assert writing.snapshots() == []
        await writing.until(lambda: writing.snapshots() == [1])

    session(path, work)


@given(st.lists(st.integers(0, 72 * HOUR_MS), max_size=60))
def test_the_newest_the_oldest_and_a_spaced_few_stay(steps: list[int]) -> None:
    """Whatever the stamps: the SNAPSHOTS_KEPT newest and the oldest stay, and older ones are never nearer to each other
    than the spacing, unless the wall clock went back."""
    snapshots = [StoredSnapshot(number, T0 + stamp, 0, 1) for number, stamp in enumerate(sorted(steps), 1)]
    dropped = expired_snapshots(snapshots)
    stay = [kept for kept in snapshots if kept not in dropped]
    assert stay[-SNAPSHOTS_KEPT:] == snapshots[-SNAPSHOTS_KEPT:]
    assert stay[:1] == snapshots[:1]
    older = stay[:-SNAPSHOTS_KEPT]
    assert all(b.wall_ms - a.wall_ms >= SNAPSHOT_SPACING_MS for a, b in pairwise(older))


def test_what_stays_does_not_depend_on_when_one_looks(tmp_path: Path) -> None:
    """Thinned after every snapshot, a day of snapshots keeps one for each spacing."""
    kept: list[StoredSnapshot] = []
    for minute in range(0, 24 * 60, 5):
        kept.append(StoredSnapshot(minute + 1, T0 + minute * 60_000, 0, 1))
        dropped = expired_snapshots(kept)
        kept = [one for one in kept if one not in dropped]
    assert len(kept) == 24 * HOUR_MS // SNAPSHOT_SPACING_MS + SNAPSHOTS_KEPT


def test_expired_snapshots_leave_no_pieces(tmp_path: Path) -> None:
    """Of ten snapshots within seconds the newest and the oldest stay, and nothing of the others."""
    path = filled(tmp_path / "journal.sqlite3", 100, snapshots=range(10, 101, 10))
    db = apsw.Connection(str(path))
    assert [number for (number,) in db.execute("SELECT number FROM snapshot")] == [10, 80, 90, 100]
    assert [number for (number,) in db.execute("SELECT DISTINCT snapshot FROM piece")] == [10, 80, 90, 100]
    db.close()
    assert recovered(path) == (snapshot(100), [])


def test_deletion_stops_at_a_snapshot_old_enough(tmp_path: Path) -> None:
    """Rows go up to the newest snapshot at or before the given row; a replay then begins at that snapshot."""
    path = filled(tmp_path / "journal.sqlite3", 500, snapshots=[100, 200, 300, 400])

    async def work(writing: Writing) -> None:
        writing.journal.prune(250)
        await writing.until(lambda: bounds(path)[0] > 200)
        await writing.write(range(501, 600))

    session(path, work)
    assert bounds(path) == (201, 599)
    with JournalReader.open(path) as reader:
        assert reader.base() == (snapshot(200), 200)
        assert [number for number, _ in reader.rows(200)] == list(range(201, 600))
    assert recovered(path) == (snapshot(400), list(range(401, 600)))


def test_deletion_never_takes_what_a_fallback_needs(tmp_path: Path) -> None:
    """Whatever may go, the newest SNAPSHOTS_KEPT snapshots and the rows between them stay."""
    path = filled(tmp_path / "journal.sqlite3", 500, snapshots=[100, 200, 300, 400])

    async def work(writing: Writing) -> None:
        writing.journal.prune(10**9)
        await writing.until(lambda: bounds(path)[0] > 200)

    session(path, work)
    assert bounds(path) == (201, 500)
    with JournalReader.open(path) as reader:
        assert reader.base() == (snapshot(200), 200)


def test_nothing_is_deleted_without_an_old_snapshot(tmp_path: Path) -> None:
    """Too few snapshots, or none old enough: everything stays."""
    path = filled(tmp_path / "journal.sqlite3", 100, snapshots=[50, 60])

    async def work(writing: Writing) -> None:
        writing.journal.prune(10**9)
        writing.journal.prune(0)
        await writing.write(range(101, 110))

    session(path, work)
    assert bounds(path) == (1, 109)


def test_deleted_rows_are_gone_from_the_file(tmp_path: Path) -> None:
    """Retention is kept to the byte: nothing of a deleted row can be found in the file or its WAL; the file shrinks."""
    path = filled(tmp_path / "journal.sqlite3", 4000, size=900, snapshots=[3700, 3800, 3900])
    before = path.stat().st_size
    assert b"client-1234" in path.read_bytes()

    async def work(writing: Writing) -> None:
        held = writing.journal.counters.used_bytes
        assert held == before
        writing.journal.prune(10**9)
        await writing.until(lambda: bounds(path)[0] > 3700)
        await writing.until(lambda: writing.journal.counters.used_bytes < held / 3)

    session(path, work)
    assert b"client-1234" not in path.read_bytes()
    assert b"client-3999" in path.read_bytes()
    assert path.stat().st_size < before / 3


def test_deleted_rows_are_gone_from_the_wal_while_the_node_runs(tmp_path: Path) -> None:
    """The WAL is written over from its beginning, and held rows of an earlier burst behind it; a reader that is in the
    way when they are deleted delays that, and nothing else."""
    path = tmp_path / "journal.sqlite3"
    wal = path.with_name(f"{path.name}-wal")

    async def work(writing: Writing) -> None:
        await writing.write(range(1, 1001), size=900)
        for number in (1001, 1002, 1003):
            await writing.write([number])
            await writing.keep(number, snapshot(number))
        await writing.write([1004])
        assert b"<500>." in wal.read_bytes(), "the burst left nothing: this shows nothing"
        reader = apsw.Connection(str(path))
        cursor = reader.execute("SELECT body FROM row")
        next(cursor)
        writing.journal.prune(1001)
        await writing.until(lambda: bounds(path)[0] > 1001)
        await writing.write(range(1005, 1010))
        cursor.close()
        reader.close()
        await writing.until(lambda: b"<500>." not in path.read_bytes() + wal.read_bytes())
        assert not writing.failures

    session(path, work)
    assert recovered(path) == (snapshot(1003), list(range(1004, 1010)))


def test_fragments_of_a_crash_are_cleared(tmp_path: Path) -> None:
    """Pieces without a head, as a kill between two of them leaves, are forgotten at the next start."""
    path = filled(tmp_path / "journal.sqlite3", 30, snapshots=[10])
    db = apsw.Connection(str(path))
    db.execute("INSERT INTO piece VALUES (20, 0, x'00ff')")
    db.close()
    assert recovered(path) == (snapshot(10), list(range(11, 31)))
    db = apsw.Connection(str(path))
    assert db.execute("SELECT DISTINCT snapshot FROM piece").fetchall() == [(10,)]
    db.close()
