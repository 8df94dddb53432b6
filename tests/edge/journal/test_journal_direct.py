"""Rows that the loop commits by itself, between those of the journal's writer."""

import asyncio
import errno
import os
import resource
import threading
from pathlib import Path
from typing import Any, cast

import apsw
import pytest

from edge.errors import DiskFull, JournalBroken, JournalError
from edge.journal.journal import Journal
from edge.journal.reader import JournalReader
from edge.journal.writer import WAL_BYTES_MAX, Writer
from tests.edge.journals import Writing, commit, recovered, row, session, snapshot


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite3"


async def directly(journal: Journal, number: int, size: int = 200) -> bool:
    """A commit by the loop, as soon as the writer has let go of the connection."""
    for _ in range(2_000):
        if journal.commit(commit(row(number, size))):
            return True
        await asyncio.sleep(0.001)
    return False


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow this machine's disk is at the moment."""
    monkeypatch.setattr("edge.journal.writer.DIRECT_COMMIT_S_MAX", 60.0)


def test_a_direct_commit_is_on_disk_when_it_returns(path: Path) -> None:
    """Another process can read the row at once, nothing is reported, and the next number may take the other way."""

    async def work(writing: Writing) -> None:
        journal = writing.journal
        assert await directly(journal, 1)
        assert (journal.last, journal.queued, journal.filled) == (1, 0, 0)
        with JournalReader.open(path) as reader:
            assert reader.row(1) == row(1)
        await writing.write([2, 3])
        assert await directly(journal, 4)
        assert writing.committed[-1] == 3
        assert await journal.lookup(4) == row(4)

    session(path, work)
    assert recovered(path) == (None, [1, 2, 3, 4])


def test_rows_never_overtake_each_other(path: Path) -> None:
    """While rows wait for the writer none is committed directly; a row out of turn is the caller's mistake."""

    async def work(writing: Writing) -> None:
        journal = writing.journal
        journal.submit(commit(row(1)))
        assert not journal.commit(commit(row(2)))
        journal.submit(commit(row(2)))
        await writing.until(lambda: journal.last == 2)
        with pytest.raises(JournalError, match="the next is 3"):
            journal.commit(commit(row(4)))

    session(path, work)


def test_before_its_start_a_journal_takes_nothing(path: Path) -> None:
    """Without its writer there is nobody to see to checkpoints and failures."""
    journal = Journal.open(path)
    assert not journal.commit(commit(row(1)))
    journal.close()


def test_an_unauthenticated_client_who_writes_is_left_to_the_writer(path: Path) -> None:
    """The loop does not wait for somebody else's lock."""

    async def work(writing: Writing) -> None:
        await writing.write([1])
        other = apsw.Connection(str(path))
        other.execute("BEGIN IMMEDIATE")
        assert not writing.journal.commit(commit(row(2)))
        writing.journal.submit(commit(row(2)))
        await asyncio.sleep(0.1)
        assert writing.journal.last == 1
        other.execute("ROLLBACK")
        other.close()
        await writing.until(lambda: writing.journal.last == 2)
        assert not writing.failures

    session(path, work)


def test_a_full_disk_is_notified_of_like_the_writers_own(path: Path) -> None:
    """The row is not taken, one DiskFull is reported, and with room again the same number goes on."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    async def work(writing: Writing) -> None:
        journal = writing.journal
        assert await directly(journal, 1)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
        number = 2
        while journal.commit(commit(row(number, 5000))):
            number += 1
        assert journal.last == number - 1
        journal.submit(commit(row(number)))  # dropped in silence
        await writing.until(lambda: writing.failures)
        assert [type(failure) for failure in writing.failures] == [DiskFull]
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert journal.resume()
        assert await directly(journal, number)

    try:
        session(path, work)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_checkpoint_holds_up_no_commit(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the writer moves the WAL into the file, however long that takes, the loop commits; and the WAL begins anew
    after it."""
    begun, go_on = threading.Event(), threading.Event()
    beside = Writer._checkpoint_apart

    def slow(writer: Writer) -> Exception | None:
        begun.set()
        assert go_on.wait(30)
        return beside(writer)

    monkeypatch.setattr(Writer, "_checkpoint_apart", slow)

    async def work(writing: Writing) -> None:
        journal = writing.journal
        number = 0
        while not begun.is_set():
            number += 1
            assert await directly(journal, number, 40_000)
        for _ in range(20):
            number += 1
            assert journal.commit(commit(row(number)))
        assert journal.counters.checkpoints == 0
        go_on.set()
        await writing.until(lambda: journal.counters.checkpoints > 0)
        size = path.with_name(path.name + "-wal").stat().st_size
        assert await directly(journal, number + 1)
        assert path.with_name(path.name + "-wal").stat().st_size == size, "the WAL grew on"

    session(path, work)


def test_a_checkpoint_that_fails_beside_ends_the_writing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the disk there is one as good as any: it is reported, and nothing is taken after it."""
    monkeypatch.setattr(Writer, "_checkpoint_apart", lambda _: apsw.IOError("as from a bad sector"))

    async def work(writing: Writing) -> None:
        journal, number = writing.journal, 0
        while not writing.failures:
            number += 1
            if not journal.commit(commit(row(number, 40_000))):
                journal.submit(commit(row(number, 40_000)))
                await writing.until(lambda number=number: journal.last == number or writing.failures)
            await asyncio.sleep(0)
        assert [type(failure) for failure in writing.failures] == [JournalBroken]
        assert not journal.commit(commit(row(journal.last + 1)))

    session(path, work)


def test_no_checkpoint_follows_a_failure(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a commit fails while the WAL is moved, nothing more is written between commits, checkpoints included."""

    def meanwhile(writer: Writer) -> None:
        writer._fail(apsw.IOError("as from a bad sector"))

    monkeypatch.setattr(Writer, "_checkpoint_apart", meanwhile)

    async def work(writing: Writing) -> None:
        journal, number = writing.journal, 0
        while not writing.failures:
            number += 1
            if not journal.commit(commit(row(number, 40_000))):
                journal.submit(commit(row(number, 40_000)))
                await writing.until(lambda number=number: journal.last == number or writing.failures)
            await asyncio.sleep(0)
        await asyncio.sleep(0.1)
        assert [type(failure) for failure in writing.failures] == [JournalBroken]
        assert journal.counters.checkpoints == 0

    session(path, work)


def test_a_full_disk_is_notified_of_by_the_connection_that_met_it(path: Path) -> None:
    """An earlier full disk of the commits' connection does not make a broken one of the checkpoints' look like it."""

    class Script:
        execute = None

        def __init__(self, errno_: int) -> None:
            self.system_errno = errno_

    error: Any = apsw.IOError("disk I/O error")
    error.extendedresult = apsw.SQLITE_IOERR_WRITE
    full, broken = (cast(apsw.Connection, Script(number)) for number in (errno.ENOSPC, errno.EIO))
    Journal.open(path).close()
    writer = Writer(full, path)
    assert writer.is_full(error)
    assert not writer.is_full(error, broken)


def test_a_snapshot_lets_commits_in_between(path: Path) -> None:
    """Between the steps of a large snapshot the loop commits by itself, many times before the snapshot is whole."""

    async def work(writing: Writing) -> None:
        journal = writing.journal
        assert await directly(journal, 1)
        journal.snapshot(1, os.urandom(4 << 20))
        number, by_itself = 1, 0
        while 1 not in writing.snapshots():
            number += 1
            if journal.commit(commit(row(number))):
                by_itself += 1
            else:
                journal.submit(commit(row(number)))
                await writing.until(lambda number=number: journal.last == number)
        assert by_itself > 20

    session(path, work)


def test_the_writer_sees_to_checkpoints_and_snapshots(path: Path) -> None:
    """Under direct commits alone the WAL stays small, snapshots are written, and a quiet moment moves the rest."""
    wal = path.with_name(path.name + "-wal")

    async def work(writing: Writing) -> None:
        journal = writing.journal
        for number in range(1, 4001):
            if not journal.commit(commit(row(number, 4000))):
                journal.submit(commit(row(number, 4000)))
                await writing.until(lambda number=number: journal.last == number)
            if number == 2000:
                journal.snapshot(number, snapshot(number))
        assert wal.stat().st_size < 3 * WAL_BYTES_MAX
        assert journal.counters.checkpoints > 1
        await writing.until(lambda: 2000 in writing.snapshots())
        await writing.until(lambda: path.stat().st_size > 4000 * 4000)

    session(path, work)
    body, numbers = recovered(path)
    assert (body, len(numbers)) == (snapshot(2000), 2000)
