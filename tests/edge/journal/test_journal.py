"""Tests of edge.journal.journal: opening, recovery, what survives kills, torn writes and rot."""

import asyncio
import random
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import apsw
import pytest

from edge.errors import JournalError
from edge.journal.journal import COMMIT_QUEUE_BYTES_MAX, COMMIT_QUEUE_ROWS_MAX, Journal
from edge.journal.maintenance import JOURNAL_BALLAST_BYTES
from edge.journal.reader import FORMAT
from tests.edge.journals import Writing, commit, filled, number_of, recovered, row, session, snapshot

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite3"


# -- the ordinary life -------------------------------------------------------------------------------------------------


def test_what_was_committed_is_recovered(path: Path) -> None:
    """Rows come back in order and to the byte, without a snapshot."""
    filled(path, 300)
    assert recovered(path) == (None, list(range(1, 301)))


def test_a_new_journal_is_empty_and_private(path: Path) -> None:
    """The journal, its WAL and its ballast are readable by their owner only, and the ballast takes real space."""
    journal = Journal.open(path)
    assert journal.last == 0
    recovery = journal.recover()
    assert (recovery.snapshot, recovery.snapshot_number, list(recovery.rows), recovery.alarms) == (None, 0, [], [])
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    ballast = path.with_name("ballast").stat()
    assert ballast.st_size == JOURNAL_BALLAST_BYTES
    assert ballast.st_blocks * 512 >= JOURNAL_BALLAST_BYTES
    journal.close()


def test_commits_are_reported_in_order_and_reach_the_last_row(path: Path) -> None:
    """on_commit comes with growing numbers and times, and ends with the last row submitted."""

    async def work(writing: Writing) -> None:
        await writing.write(range(1, 2001))
        assert writing.journal.queued == 0
        assert writing.journal.filled == 0

    writing = session(path, work)
    assert writing.committed[-1] == 2000
    assert writing.committed == sorted(set(writing.committed))
    assert writing.times == sorted(writing.times)
    counters = writing.journal.counters
    assert counters.rows == 2000
    assert counters.commits == len(writing.committed)
    assert counters.bytes == sum(len(row(number)) for number in range(1, 2001))
    assert sum(rows for rows, _ in counters.groups) <= 2000


def test_close_writes_and_reports_what_is_queued(path: Path) -> None:
    """Rows submitted just before `close` are on disk and reported when it returns; the WAL is empty then."""

    async def work(writing: Writing) -> None:
        for number in range(1, 701):
            writing.journal.submit(commit(row(number)))

    writing = session(path, work)
    assert writing.committed[-1] == 700
    assert recovered(path) == (None, list(range(1, 701)))
    wal = path.with_name(path.name + "-wal")
    assert not wal.exists() or wal.stat().st_size == 0


def test_the_newest_snapshot_and_the_rows_after_it_are_recovered(path: Path) -> None:
    """Recovery begins at the newest snapshot, however often the journal was closed and opened."""
    filled(path, 50, snapshots=[20, 40])
    assert recovered(path) == (snapshot(40), list(range(41, 51)))

    async def more(writing: Writing) -> None:
        await writing.write(range(51, 61))

    session(path, more)
    assert recovered(path) == (snapshot(40), list(range(41, 61)))


def test_a_snapshot_right_before_close_is_kept(path: Path) -> None:
    """A graceful stop may take a snapshot as its last act."""

    async def work(writing: Writing) -> None:
        await writing.write(range(1, 11))
        writing.journal.snapshot(10, snapshot(10))

    session(path, work)
    assert recovered(path) == (snapshot(10), [])


def test_lookup_reads_one_committed_row(path: Path) -> None:
    """A row comes back as it was submitted, right after its submission too; a number that is not there gives None."""

    async def work(writing: Writing) -> None:
        await writing.write(range(1, 100))
        writing.journal.submit(commit(row(100)))
        assert await writing.journal.lookup(100) == row(100)
        assert await writing.journal.lookup(7) == row(7)
        assert await writing.journal.lookup(101) is None

    writing = session(path, work)
    with pytest.raises(JournalError, match="closed"):
        asyncio.run(writing.journal.lookup(7))


def test_a_lookup_that_is_given_up_harms_nothing(path: Path) -> None:
    """A cancelled lookup leaves the writer at work."""

    async def work(writing: Writing) -> None:
        await writing.write(range(1, 10))
        tasks = [asyncio.create_task(writing.journal.lookup(5)) for _ in range(50)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await writing.write(range(10, 20))
        assert not writing.failures

    session(path, work)


@pytest.mark.parametrize("number", [0, 2])
def test_a_row_out_of_turn_is_refused(path: Path, number: int) -> None:
    """Numbers grow by one from 1."""

    async def work(writing: Writing) -> None:
        with pytest.raises(JournalError, match="the next is 1"):
            writing.journal.submit(commit(row(number)))
        await writing.write([1])

    session(path, work)


@pytest.mark.parametrize(("size", "most"), [(20, COMMIT_QUEUE_ROWS_MAX), (1 << 20, COMMIT_QUEUE_BYTES_MAX >> 20)])
def test_the_queue_is_bounded(path: Path, size: int, most: int) -> None:
    """By rows and by bytes: at the bound it refuses, and what was taken is written."""

    async def work(writing: Writing) -> None:
        journal = writing.journal
        for number in range(1, most + 1):
            journal.submit(commit(row(number, size)))
        with pytest.raises(JournalError, match="Stop reading"):
            journal.submit(commit(row(most + 1)))
        await writing.until(lambda: journal.last == most)
        assert journal.filled == 0

    session(path, work)


def test_a_snapshot_out_of_turn_is_refused(path: Path) -> None:
    """A snapshot belongs to the row submitted last."""

    async def work(writing: Writing) -> None:
        await writing.write(range(1, 5))
        with pytest.raises(JournalError, match="row 4 was submitted last"):
            writing.journal.snapshot(3, b"state")

    session(path, work)


# -- files that are not what they should be ----------------------------------------------------------------------------


def test_a_newer_format_is_refused_with_a_hint(path: Path) -> None:
    """A journal of a later version is not touched, and the error names what to install."""
    filled(path, 3)
    with apsw.Connection(str(path)) as db:
        db.execute(f"PRAGMA user_version = {FORMAT + 1}")
    db.close()
    with pytest.raises(JournalError, match=f"newer doorstep .journal format {FORMAT + 1}; .* Install that version"):
        Journal.open(path)


def test_another_programs_database_is_refused(path: Path) -> None:
    """An SQLite file of somebody else is named as such, and left alone."""
    db = apsw.Connection(str(path))
    db.execute("CREATE TABLE theirs (a)")
    db.close()
    before = path.read_bytes()
    with pytest.raises(JournalError, match="no journal of doorstep"):
        Journal.open(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    """Text where the journal should be is no empty journal."""
    path.write_bytes(b"hello " * 1000)
    with pytest.raises(JournalError, match="cannot be opened"):
        Journal.open(path)


def damage(path: Path, number: int) -> None:
    """Flip one bit of a row's body in the file."""
    raw = bytearray(path.read_bytes())
    at = raw.index(f"<{number}>.".encode()) + 20
    raw[at] ^= 1
    path.write_bytes(raw)


@pytest.mark.parametrize("number", [250, 300])
def test_rot_in_a_row_is_found_and_quarantined(path: Path, number: int) -> None:
    """One flipped bit stops the start with the row's number, and a copy of the file is kept as it was found."""
    filled(path, 300)
    damage(path, number)
    raw = path.read_bytes()
    with pytest.raises(JournalError, match=f"row {number} fails its checksum.*copy was kept.*backup"):
        recovered(path)
    assert path.with_name(f"{path.name}.damaged-{number}").read_bytes() == raw


def test_rot_before_the_snapshot_does_not_stop_the_start(path: Path) -> None:
    """A damaged row that the snapshot covers is found when it is looked up, not before."""
    filled(path, 300, snapshots=[200])
    damage(path, 100)
    assert recovered(path)[0] == snapshot(200)

    async def work(writing: Writing) -> None:
        with pytest.raises(JournalError, match="row 100 fails its checksum"):
            await writing.journal.lookup(100)
        await writing.write(range(301, 310))
        assert not writing.failures

    session(path, work)


@pytest.mark.parametrize(("page", "words"), [(1, "cannot be opened.*first pages"), (2, "damaged")])
def test_a_damaged_page_is_quarantined_with_what_to_do(path: Path, page: int, words: str) -> None:
    """Where SQLite cannot read the file the sentence names the page's fault, not the user's rights; a copy is kept."""
    filled(path, 300)
    raw = bytearray(path.read_bytes())
    raw[(page - 1) * 4096 : (page - 1) * 4096 + 100] = b"\xff" * 100
    if page == 2:
        raw[4096:] = b"\xff" * (len(raw) - 4096)
    path.write_bytes(raw)
    with pytest.raises(JournalError, match=f"{words}.*copy was kept.*backup"):
        recovered(path)


def test_a_missing_row_is_found(path: Path) -> None:
    """A gap in the numbers is damage too."""
    filled(path, 30)
    db = apsw.Connection(str(path))
    db.execute("DELETE FROM row WHERE number = 17")
    db.close()
    with pytest.raises(JournalError, match="row 17 is missing"):
        recovered(path)


def test_a_damaged_snapshot_falls_back_to_the_one_before(path: Path) -> None:
    """A snapshot that fails its checksum costs time and raises an alarm; the rows since the one before are there."""
    filled(path, 60, snapshots=[20, 40])
    db = apsw.Connection(str(path))
    db.execute("UPDATE piece SET body = zeroblob(length(body)) WHERE snapshot = 40 AND part = 0")
    db.close()
    journal = Journal.open(path)
    recovery = journal.recover()
    assert recovery.snapshot == snapshot(20)
    assert recovery.snapshot_number == 20
    assert [number_of(body) for body in recovery.rows] == list(range(21, 61))
    assert len(recovery.alarms) == 1
    assert "the snapshot at row 40 fails its checksum" in recovery.alarms[0]
    journal.close()


def test_without_any_whole_snapshot_the_first_row_must_be_there(path: Path) -> None:
    """All snapshots damaged: recovery begins at row 1, or stops where that is gone."""
    filled(path, 60, snapshots=[20])
    db = apsw.Connection(str(path))
    db.execute("DELETE FROM piece")
    db.close()
    assert recovered(path) == (None, list(range(1, 61)))
    db = apsw.Connection(str(path))
    db.execute("DELETE FROM row WHERE number <= 10")
    db.close()
    with pytest.raises(JournalError, match="no whole snapshot leads to row 11"):
        recovered(path)


# -- torn writes and kills ---------------------------------------------------------------------------------------------


def test_a_torn_wal_holds_a_prefix_of_the_commits(tmp_path: Path) -> None:
    """Cut, zeroed or flipped anywhere, the WAL opens and holds a prefix of what was committed, whole."""
    path = tmp_path / "live" / "journal.sqlite3"
    path.parent.mkdir()
    images: dict[str, bytes] = {}

    async def work(writing: Writing) -> None:
        for number in range(1, 41):
            await writing.write([number], size=number * 60)
        for suffix in ("", "-wal"):
            images[suffix] = path.with_name(path.name + suffix).read_bytes()

    session(path, work)
    wal = images["-wal"]
    assert len(wal) > 40 * 4096
    rng = random.Random(7)
    lengths: set[int] = set()
    for case in range(120):
        at = rng.randrange(len(wal))
        torn = [wal[:at], wal[:at] + bytes(len(wal) - at), wal[:at] + bytes([wal[at] ^ 0x10]) + wal[at + 1 :]][case % 3]
        copy = tmp_path / f"torn-{case}"
        copy.mkdir()
        (copy / path.name).write_bytes(images[""])
        (copy / f"{path.name}-wal").write_bytes(torn)
        _, numbers = recovered(copy / path.name)
        assert numbers == list(range(1, len(numbers) + 1))
        lengths.add(len(numbers))
        shutil.rmtree(copy)
    assert len(lengths) > 20


VICTIM = """
import asyncio, sys
from pathlib import Path
from edge.journal.journal import COMMIT_QUEUE_BYTES_MAX, COMMIT_QUEUE_ROWS_MAX, Journal
from tests.edge.journals import T0, commit, row, snapshot

async def main():
    journal = Journal.open(Path(sys.argv[1]))
    for _ in journal.recover().rows:
        pass
    journal.start(asyncio.get_running_loop(), lambda number, at: print(number, flush=True), print)
    number = journal.last
    while True:
        if journal.queued < 300:
            number += 1
            journal.submit(commit(row(number, number * 37 % 3000)))
            if number % 50 == 0:
                journal.snapshot(number, snapshot(number))
            if number % 400 == 0:
                journal.prune(number - 300)
        if number % 7 == 0 or journal.queued >= 300:
            await asyncio.sleep(0)

asyncio.run(main())
"""


def test_nothing_reported_is_lost_to_kill_9(path: Path) -> None:
    """Killed at any moment, in commits, snapshots, deletions or checkpoints: every row reported is there, whole."""
    rng = random.Random(11)
    for _ in range(6):
        with subprocess.Popen(
            [sys.executable, "-c", VICTIM, str(path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        ) as victim:
            assert victim.stdout is not None
            first = victim.stdout.readline()
            assert first, "the victim wrote nothing"
            time.sleep(rng.random() * 0.5)
            victim.kill()
            # The last line may be torn itself; a torn number is never more than what was reported.
            reported = max(int(line) for line in [first, *victim.stdout.read().split()])
        journal = Journal.open(path)
        recovery = journal.recover()
        numbers = [number_of(body) for body in recovery.rows]
        last = numbers[-1] if numbers else recovery.snapshot_number
        assert last >= reported
        assert last == journal.last
        if recovery.snapshot is not None:
            assert recovery.snapshot == snapshot(recovery.snapshot_number)
        assert not recovery.alarms
        journal.close()


def test_a_long_journal_is_opened_from_its_last_snapshot(path: Path) -> None:
    """What a start reads does not grow with the journal: only the rows since the snapshot are looked at."""
    filled(path, 20_000, size=40, snapshots=[19_990])
    journal = Journal.open(path)
    recovery = journal.recover()
    assert len(list(recovery.rows)) == 10
    journal.close()


def test_an_unauthenticated_client_who_writes_is_waited_for(path: Path) -> None:
    """An operator's shell that holds the write lock for a moment delays a commit and loses nothing."""

    async def work(writing: Writing) -> None:
        await writing.write(range(1, 10))
        other = apsw.Connection(str(path))
        other.execute("BEGIN IMMEDIATE")
        writing.journal.submit(commit(row(10)))
        await asyncio.sleep(0.2)
        assert writing.journal.last == 9
        other.execute("ROLLBACK")
        other.close()
        await writing.until(lambda: writing.journal.last == 10)
        assert not writing.failures

    session(path, work)


def test_an_unreadable_place_is_named(tmp_path: Path) -> None:
    """A journal in a folder that does not exist names which file could not be opened."""
    with pytest.raises(JournalError, match=r"nowhere/journal\.sqlite3 cannot be opened"):
        Journal.open(tmp_path / "nowhere" / "journal.sqlite3")
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("suffix", ["", "-wal"])
@pytest.mark.parametrize("fault", ["removed", "replaced"])
def test_a_file_that_is_not_the_one_written_to_is_noticed(path: Path, suffix: str, fault: str) -> None:
    """The journal and its WAL: gone, or another file of the same name. Commits and a checkpoint are no change."""

    async def work(writing: Writing) -> None:
        await writing.write(range(1, 50))
        assert writing.journal.gone == ""
        file = path.with_name(path.name + suffix)
        if fault == "removed":
            file.unlink()
        else:
            shutil.copy(file, f"{file}.copy")
            Path(f"{file}.copy").rename(file)
        assert writing.journal.gone.startswith(f"{file} ")
        assert fault in writing.journal.gone

    session(path, work)


def test_a_start_without_the_journal_that_was_there_is_an_alarm(path: Path) -> None:
    """Once: a service manager that restarts a node whose journal was taken away must not hide it."""

    def alarms() -> list[str]:
        journal = Journal.open(path)
        found = journal.recover().alarms
        journal.close()
        return found

    assert alarms() == []
    path.unlink()
    (alarm,) = alarms()
    assert "this one began empty" in alarm
    assert alarms() == []
